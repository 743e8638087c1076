"""The rules of confirming an address, and of setting a password anew."""

from datetime import UTC, datetime

from app.accounts.audit import Actor, AuditAction, record
from app.accounts.mailed_tokens import MailedTokens
from app.accounts.models import Purpose, User
from app.accounts.problems import LinkRefused, WrongPassword
from app.accounts.repository import AccountRepository
from app.accounts.service import AccountService, accounts_of
from app.accounts.tasks import notify_of_password
from app.kit.database import UnitOfWork
from app.kit.identity import Principal
from app.kit.resources import Resources


async def verify_email(resources: Resources, work: UnitOfWork, token: str, address: str) -> None:
    """Note that a user reads the mail of the address. Raises LinkRefused."""
    used = await MailedTokens(work.session, accounts_of(resources).tokens).use(token, Purpose.VERIFY_EMAIL)
    user = await AccountRepository(work.session).user(used[0]) if used else None
    # A link that went to an address which is no longer the user's proves nothing of the new one.
    if used is None or user is None or user.disabled_at or user.email != used[1]:
        raise LinkRefused
    user.email_verified_at = user.email_verified_at or datetime.now(UTC)
    record(work, AuditAction.EMAIL_VERIFIED, Actor(user.id, address), user.id)
    # Open sessions learn that mail may be sent there.
    await accounts_of(resources).reread(work, user.id)


async def reset_password(resources: Resources, work: UnitOfWork, token: str, password: str, address: str) -> None:
    """Set a new password by a mailed token: ends all sessions, and any wait after failed logins. Raises LinkRefused."""
    accounts = accounts_of(resources)
    mailed = MailedTokens(work.session, accounts.tokens)
    if not await mailed.stands(token, Purpose.RESET_PASSWORD):
        raise LinkRefused
    # The connection goes back to the pool while argon2 runs.
    await work.session.rollback()
    password_hash = await accounts.passwords.hash(password)
    used = await mailed.use(token, Purpose.RESET_PASSWORD)
    user = await AccountRepository(work.session).user(used[0]) if used else None
    if used is None or user is None or user.disabled_at or user.email != used[1]:
        raise LinkRefused
    actor = Actor(user.id, address)
    # Who can read the link reads the address's mail.
    user.email_verified_at = user.email_verified_at or datetime.now(UTC)
    await accounts.lockout.clear(work.session, user.email)
    await _set_password(resources, work, user, password_hash, actor)
    record(work, AuditAction.PASSWORD_RESET, actor, user.id)
    await accounts.logout_everywhere(work, actor, user.id)


async def change_password(
    resources: Resources, work: UnitOfWork, principal: Principal, current: str, new: str, address: str
) -> None:
    """Set a new password by the current one: ends all other sessions. Raises WrongPassword or LoginLocked."""
    accounts = accounts_of(resources)
    name = f"password of {principal.user_id}"
    async with accounts.passwords.turn() as turn:
        password_hash = await _admit(accounts, principal, name)
        right = await turn.matches(current, password_hash)
        new_hash = await turn.hash(new) if right else ""
    actor = Actor(principal.user_id, address)
    if not right:
        await accounts.note_failure(actor, principal.user_id, "current password")
        raise WrongPassword
    user = await accounts.profile(work, principal)
    await accounts.lockout.clear(work.session, name)
    await _set_password(resources, work, user, new_hash, actor)
    record(work, AuditAction.PASSWORD_CHANGED, actor, user.id)
    await accounts.logout_everywhere(work, actor, user.id, but=principal.session_id)


async def _admit(accounts: AccountService, principal: Principal, name: str) -> str:
    # Whoever holds an open session may guess at the password no faster than anybody else.
    async with accounts.database.unit_of_work() as work:
        await accounts.lockout.admit(work.session, name)
        return (await accounts.profile(work, principal)).password_hash


async def _set_password(resources: Resources, work: UnitOfWork, user: User, password_hash: str, actor: Actor) -> None:
    user.password_hash = password_hash
    await MailedTokens(work.session, accounts_of(resources).tokens).withdraw(user.id, Purpose.RESET_PASSWORD)
    notify_of_password(work, resources, user, actor.address)
