"""The rules for confirming an email address and for resetting a password.

Each decides by the user's row, locked in the transaction that writes, because the row may have changed since the
password or link was looked up.
"""

from app.accounts.actions import AuditAction
from app.accounts.models import Purpose, User
from app.accounts.problems import LinkRefused
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import Device, accounts_of
from app.accounts.tasks import notify_of_password
from app.audit.log import Actor, record
from app.composition import Resources
from app.kit.database import UnitOfWork
from app.kit.identity import Principal


async def verify_email(resources: Resources, work: UnitOfWork, token: str, address: str) -> None:
    """Record that a user has confirmed an email address. Raises LinkRefused."""
    user = await _use_link(resources, work, token, Purpose.VERIFY_EMAIL)
    user.email_verified_at = user.email_verified_at or await AccountRepository(work.session).now()
    record(work, AuditAction.EMAIL_VERIFIED, Actor(user.id, address), user.id)
    # Open sessions must show the address as confirmed.
    await accounts_of(resources).announce(work, user.id)


async def reset_password(resources: Resources, work: UnitOfWork, token: str, password: str, device: Device) -> None:
    """Set a new password by a mailed token. End all sessions and any wait after failed logins. Raises LinkRefused."""
    accounts = accounts_of(resources)
    if not await MailedTokens(work.session, accounts.tokens).owner(token, Purpose.RESET_PASSWORD):
        raise LinkRefused
    # Hashing is slow: release the connection and the locks first, and check the link again afterwards.
    await accounts.give_back(work)
    password_hash = await accounts.passwords.hash(password)
    user = await _use_link(resources, work, token, Purpose.RESET_PASSWORD)
    actor = Actor(user.id, device.address)
    # The link proves access to the mailbox.
    user.email_verified_at = user.email_verified_at or await AccountRepository(work.session).now()
    user.password_hash = password_hash
    notify_of_password(work, resources, user, actor.address)
    record(work, AuditAction.PASSWORD_RESET, actor, user.id)
    await accounts.logout_everywhere(work, actor, user.id)
    await MailedTokens(work.session, accounts.tokens).withdraw(user.id, Purpose.RESET_PASSWORD)
    for counter in {user.email, accounts.devices.counter(device.cookie, user.email)}:
        await accounts.lockout.clear(work.session, counter)


async def change_password(
    resources: Resources, work: UnitOfWork, principal: Principal, current: str, new: str, address: str
) -> None:
    """Set a new password by the current one. End all other sessions. Raises WrongPassword or LoginLocked.

    Mailed links stay valid: otherwise an attacker with a session could invalidate the links that the owner requests.
    """
    accounts, actor = accounts_of(resources), Actor(principal.user_id, address)
    checked, user = await accounts.confirm_password(work, principal, current, address, new)
    user.password_hash = checked.new_hash
    notify_of_password(work, resources, user, actor.address)
    record(work, AuditAction.PASSWORD_CHANGED, actor, user.id)
    await accounts.logout_everywhere(work, actor, user.id, but=principal.session_id)
    await accounts.forget_failures(work, principal)


async def lock_owner(resources: Resources, work: UnitOfWork, token: str, purpose: Purpose) -> User | None:
    """Return the locked user of a mailed token, or None. Then use the token, which may have been used meanwhile."""
    owner = await MailedTokens(work.session, accounts_of(resources).tokens).owner(token, purpose)
    return await AccountRepository(work.session).lock_user(owner) if owner else None


async def _use_link(resources: Resources, work: UnitOfWork, token: str, purpose: Purpose) -> User:
    """Use a mailed token. Return its user, locked. Raises LinkRefused."""
    mailed = MailedTokens(work.session, accounts_of(resources).tokens)
    user = await lock_owner(resources, work, token, purpose)
    used = await mailed.use(token, purpose) if user else None
    # A link sent to the user's former address proves nothing about the new one.
    if user is None or used is None or user.disabled_at or user.email != used.email:
        raise LinkRefused
    return user
