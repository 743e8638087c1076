"""What administrators do to accounts, over HTTP or at the command line."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from app.accounts.addresses import as_stored
from app.accounts.audit import OPERATOR, Actor, AuditAction, AuditEvent, AuditFilter, AuditRepository, record
from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.accounts.problems import OwnAccount
from app.accounts.repository import AccountRepository
from app.accounts.service import AccountService
from app.kit.database import Database, UnitOfWork
from app.kit.identity import ADMINISTRATOR
from app.kit.problems import NotFound


async def list_users(work: UnitOfWork, actor: Actor, prefix: str, cursor: UUID | None, size: int) -> Sequence[User]:
    """At most `size` + 1 users whose address starts with a prefix, newest first."""
    record(work, AuditAction.USERS_READ, actor, details={"email_prefix": prefix})
    return await AccountRepository(work.session).users(prefix.lower(), cursor, size)


async def read_user(work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """A user. Raises NotFound."""
    user = await _user(work, user_id)
    record(work, AuditAction.USER_READ, actor, user_id)
    return user


async def set_roles(accounts: AccountService, work: UnitOfWork, actor: Actor, user_id: UUID, roles: set[str]) -> User:
    """Give a user these roles and no others, in open sessions too. Raises NotFound or OwnAccount."""
    user = await _user(work, user_id)
    if user_id == actor.user_id and ADMINISTRATOR not in roles:
        raise OwnAccount
    details = {"before": list(user.roles), "after": sorted(roles)}
    record(work, AuditAction.ROLES_CHANGED, actor, user_id, details)
    user.roles = sorted(roles)
    await accounts.reread(work, user_id)
    return user


async def disable(accounts: AccountService, work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Close an account and end its sessions. Raises NotFound or OwnAccount."""
    user = await _user(work, user_id)
    if user_id == actor.user_id:
        raise OwnAccount
    user.disabled_at = user.disabled_at or datetime.now(UTC)
    record(work, AuditAction.DISABLED, actor, user_id)
    await accounts.logout_everywhere(work, actor, user_id)
    return user


async def enable(work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Open an account again; its user has to log in. Raises NotFound."""
    user = await _user(work, user_id)
    user.disabled_at = None
    record(work, AuditAction.ENABLED, actor, user_id)
    return user


async def list_events(
    work: UnitOfWork, actor: Actor, wanted: AuditFilter, cursor: UUID | None, size: int
) -> Sequence[AuditEvent]:
    """At most `size` + 1 events of the audit log, newest first. That they were read is an event too."""
    events = await AuditRepository(work.session).page(wanted, cursor, size)
    record(work, AuditAction.AUDIT_READ, actor, wanted.subject_id)
    return events


async def save_user(database: Database, email: str, password: str, name: str, roles: list[str]) -> bool:
    """Create a user, or give an existing one this password. True when it was created."""
    password_hash = await Passwords().hash(password)
    async with database.unit_of_work() as work:
        accounts = AccountRepository(work.session)
        user = await accounts.user_by_email(as_stored(email))
        if user is None:
            user = User(email=as_stored(email), name=name, password_hash=password_hash, roles=roles)
            # Whoever makes users here vouches for their addresses.
            user.email_verified_at = datetime.now(UTC)
            await accounts.add(user)
            record(work, AuditAction.REGISTERED, OPERATOR, user.id, {"roles": roles})
            return True
        user.password_hash = password_hash
        record(work, AuditAction.PASSWORD_CHANGED, OPERATOR, user.id)
        return False


async def grant(work: UnitOfWork, email: str, role: str) -> None:
    """Give a user a role. Raises NotFound."""
    user = await user_of(work, email)
    details = {"before": list(user.roles), "after": sorted({*user.roles, role})}
    record(work, AuditAction.ROLES_CHANGED, OPERATOR, user.id, details)
    user.roles = sorted({*user.roles, role})


async def user_of(work: UnitOfWork, email: str) -> User:
    """The user of an address. Raises NotFound."""
    user = await AccountRepository(work.session).user_by_email(as_stored(email))
    if user is None:
        raise NotFound
    return user


async def _user(work: UnitOfWork, user_id: UUID) -> User:
    user = await AccountRepository(work.session).user(user_id)
    if user is None:
        raise NotFound
    return user
