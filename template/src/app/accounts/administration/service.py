"""Administration of accounts, over HTTP or at the command line."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from app.accounts.actions import AuditAction
from app.accounts.addresses import as_stored
from app.accounts.models import User
from app.accounts.personal_data import service as personal_data
from app.accounts.problems import OwnAccount
from app.accounts.repository import AccountRepository
from app.accounts.service import AccountService
from app.audit.log import OPERATOR, Actor, record
from app.audit.models import AuditEvent
from app.audit.repository import AuditFilter, AuditRepository
from app.composition import Resources
from app.kit.database import UnitOfWork
from app.kit.identity import ADMINISTRATOR
from app.kit.problems import Forbidden, NotFound


async def list_users(work: UnitOfWork, actor: Actor, prefix: str, cursor: UUID | None, size: int) -> Sequence[User]:
    """Return at most `size` + 1 users whose email address starts with a prefix, newest first.

    The audit log names the users in the result, but not the prefix: a whole address would outlive its account.
    """
    users = await AccountRepository(work.session).users(prefix.lower(), cursor, size)
    record(work, AuditAction.USERS_READ, actor, details={"users": [str(user.id) for user in users[:size]]})
    return users


async def read_user(work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """A user. Raises NotFound."""
    user = await _user(work, user_id)
    record(work, AuditAction.USER_READ, actor, user_id)
    return user


async def set_roles(accounts: AccountService, work: UnitOfWork, actor: Actor, user_id: UUID, roles: set[str]) -> User:
    """Replace the roles of a user, also in open sessions. Raises NotFound, OwnAccount or Forbidden."""
    user = await _lock(work, actor, user_id)
    if user_id == actor.user_id and ADMINISTRATOR not in roles:
        raise OwnAccount
    details = {"before": list(user.roles), "after": sorted(roles)}
    record(work, AuditAction.ROLES_CHANGED, actor, user_id, details)
    user.roles = sorted(roles)
    await accounts.announce(work, user_id)
    return user


async def disable(accounts: AccountService, work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Disable an account and end its sessions. Raises NotFound, OwnAccount or Forbidden."""
    user = await _lock(work, actor, user_id)
    if user_id == actor.user_id:
        raise OwnAccount
    user.disabled_at = user.disabled_at or await AccountRepository(work.session).now()
    record(work, AuditAction.DISABLED, actor, user_id)
    await accounts.logout_everywhere(work, actor, user_id)
    return user


async def enable(accounts: AccountService, work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Enable a disabled account. Its user has to log in again. Raises NotFound or Forbidden."""
    user = await _lock(work, actor, user_id)
    if user.disabled_at:
        user.disabled_at = None
        # Disabling has already ended all sessions. This is a second safeguard.
        await accounts.announce(work, user_id)
        await AccountRepository(work.session).revoke_all(user_id)
    record(work, AuditAction.ENABLED, actor, user_id)
    return user


async def delete(resources: Resources, work: UnitOfWork, actor: Actor, user_id: UUID) -> None:
    """Delete the account of another user. Raises NotFound, OwnAccount or Forbidden."""
    user = await _lock(work, actor, user_id)
    if user_id == actor.user_id:
        raise OwnAccount
    await personal_data.delete(resources, work, actor, user)


async def list_events(
    work: UnitOfWork, actor: Actor, wanted: AuditFilter, cursor: UUID | None, size: int
) -> Sequence[AuditEvent]:
    """Return at most `size` + 1 events of the audit log, newest first, and record that they were read."""
    events = await AuditRepository(work.session).page(wanted, cursor, size)
    record(work, AuditAction.AUDIT_READ, actor, wanted.subject_id)
    return events


class Saved(StrEnum):
    """The result of `save_user`, to be shown to the operator."""

    CREATED = "created"
    CREATED_ADMINISTRATOR = "created, with the role admin"
    PASSWORD_SET = "existed: new password set, sessions ended, roles unchanged"  # noqa: S105  a description
    MADE_ADMINISTRATOR = "existed: new password set, sessions ended, role admin given"
    STILL_ADMINISTRATOR = "existed: new password set, sessions ended; had the role admin before"


async def save_user(accounts: AccountService, email: str, password: str, name: str, *, admin: bool = False) -> Saved:
    """Create a user, or give an existing one this password, end its sessions, and make it an administrator if asked."""
    password_hash = await accounts.passwords.hash(password)
    async with accounts.database.unit_of_work() as work:
        repository = AccountRepository(work.session)
        user = await repository.lock_user_by_email(as_stored(email))
        if user is None:
            roles = [ADMINISTRATOR] if admin else []
            user = User(email=as_stored(email), name=name, password_hash=password_hash, roles=roles)
            # An administrator who creates a user vouches for the email address.
            user.email_verified_at = await repository.now()
            await repository.add(user)
            record(work, AuditAction.REGISTERED, OPERATOR, user.id, {"roles": roles})
            return Saved.CREATED_ADMINISTRATOR if admin else Saved.CREATED
        user.password_hash = password_hash
        record(work, AuditAction.PASSWORD_CHANGED, OPERATOR, user.id)
        await accounts.logout_everywhere(work, OPERATOR, user.id)
        if not admin:
            return Saved.PASSWORD_SET
        if ADMINISTRATOR in user.roles:
            return Saved.STILL_ADMINISTRATOR
        await set_roles(accounts, work, OPERATOR, user.id, {*user.roles, ADMINISTRATOR})
        return Saved.MADE_ADMINISTRATOR


async def grant(work: UnitOfWork, email: str, role: str) -> None:
    """Give a user a role. Raises NotFound. Open sessions get it within five minutes; `set_roles` applies at once."""
    user = await lock_user_of(work, email)
    details = {"before": list(user.roles), "after": sorted({*user.roles, role})}
    record(work, AuditAction.ROLES_CHANGED, OPERATOR, user.id, details)
    user.roles = sorted({*user.roles, role})


async def lock_user_of(work: UnitOfWork, email: str) -> User:
    """Return the user of an email address, locked until the commit. Raises NotFound."""
    user = await AccountRepository(work.session).lock_user_by_email(as_stored(email))
    if user is None:
        raise NotFound
    return user


async def _lock(work: UnitOfWork, actor: Actor, user_id: UUID) -> User:
    """Return the user whom an administrator is about to change. Raises NotFound, or Forbidden for other actors.

    Both rows are locked, in the order of their ids. If two administrators demote or disable each other at once, the
    second is refused, so at least one administrator always remains.
    """
    users = await AccountRepository(work.session).lock_users({user_id} | ({actor.user_id} if actor.user_id else set()))
    if actor.user_id:
        administrator = users.get(actor.user_id)
        if administrator is None or administrator.disabled_at or ADMINISTRATOR not in administrator.roles:
            raise Forbidden
    if user_id not in users:
        raise NotFound
    return users[user_id]


async def _user(work: UnitOfWork, user_id: UUID) -> User:
    user = await AccountRepository(work.session).user(user_id)
    if user is None:
        raise NotFound
    return user
