"""The rules for changing an email address.

The request needs a session and the password. It reveals nothing about the new address, because the worker checks
whether it is free. The user keeps the former address until the link that was sent to the new one is used. A message to
the former address then contains a link that restores it, sets a new password and ends all sessions. Until that link
expires, nobody else can take the former address.
"""

import secrets
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError

from app.accounts.actions import AuditAction
from app.accounts.email_change.tasks import CHANGE_EMAIL, ChangePayload, notify_former_address
from app.accounts.models import Purpose
from app.accounts.problems import LinkRefused
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.recovery.service import lock_owner
from app.accounts.repository import AccountRepository
from app.accounts.service import Device, accounts_of
from app.audit.log import Actor, record
from app.composition import Resources
from app.kit.database import UnitOfWork
from app.kit.identity import Principal
from app.tasks.repository import TaskRepository
from app.tasks.service import request_task


async def request_change(
    resources: Resources, work: UnitOfWork, principal: Principal, password: str, email: str, address: str
) -> None:
    """Send a link to a new email address. Raises WrongPassword, LoginLocked or Unauthorized."""
    accounts = accounts_of(resources)
    _, user = await accounts.confirm_password(work, principal, password, address)
    # A second request replaces the first.
    await MailedTokens(work.session, accounts.tokens).withdraw(user.id, Purpose.CHANGE_EMAIL)
    await accounts.forget_failures(work, principal)
    await TaskRepository(work.session).remove_ownerless(CHANGE_EMAIL.name, user_id=str(user.id))
    record(work, AuditAction.EMAIL_CHANGE_REQUESTED, Actor(user.id, address), user.id)
    payload = ChangePayload(user_id=user.id, session_id=principal.session_id, email=email)
    # The task has no owner, who could see its duration and outcome: those would reveal whether the address is free.
    request_task(work, resources.queue, CHANGE_EMAIL, payload)


async def confirm_change(resources: Resources, work: UnitOfWork, token: str, address: str) -> None:
    """Set the email address to which the link was sent, and end all other sessions. Raises LinkRefused."""
    accounts = accounts_of(resources)
    repository, mailed = AccountRepository(work.session), MailedTokens(work.session, accounts.tokens)
    user = await lock_owner(resources, work, token, Purpose.CHANGE_EMAIL)
    used = await mailed.use(token, Purpose.CHANGE_EMAIL) if user else None
    if user is None or used is None or user.disabled_at:
        raise LinkRefused
    actor, former, was_verified = Actor(user.id, address), user.email, user.email_verified_at is not None
    user.email, user.email_verified_at = used.email, await repository.now()
    try:
        await work.session.flush()
    except IntegrityError as error:
        raise LinkRefused from error
    if await mailed.reserved(used.email, but=user.id):
        raise LinkRefused
    await accounts.logout_everywhere(work, actor, user.id, but=used.session_id)
    if was_verified:
        nonce = secrets.token_hex(16)
        await mailed.reserve(user, former, nonce)
        notify_former_address(work, resources, user, former, nonce, actor, datetime.now(UTC))
    record(work, AuditAction.EMAIL_CHANGED, actor, user.id)


async def restore(resources: Resources, work: UnitOfWork, token: str, password: str, device: Device) -> None:
    """Restore the former email address by its link, and set a new password. Raises LinkRefused.

    All sessions end and all other links become invalid: the person who changed the address has the password, and may
    have changed the address again.
    """
    accounts = accounts_of(resources)
    mailed = MailedTokens(work.session, accounts.tokens)
    if not await mailed.owner(token, Purpose.RESTORE_EMAIL):
        raise LinkRefused
    # Hashing is slow: release the connection and the locks first, and check the link again afterwards.
    await accounts.give_back(work)
    password_hash = await accounts.passwords.hash(password)
    mailed = MailedTokens(work.session, accounts.tokens)
    user = await lock_owner(resources, work, token, Purpose.RESTORE_EMAIL)
    used = await mailed.use(token, Purpose.RESTORE_EMAIL) if user else None
    if user is None or used is None or user.disabled_at:
        raise LinkRefused
    user.email, user.email_verified_at = used.email, await AccountRepository(work.session).now()
    user.password_hash = password_hash
    try:
        await work.session.flush()
    except IntegrityError as error:
        # Another user has this address by now: an operator set it.
        raise LinkRefused from error
    actor = Actor(user.id, device.address)
    record(work, AuditAction.EMAIL_RESTORED, actor, user.id)
    await accounts.logout_everywhere(work, actor, user.id)
    for purpose in Purpose:
        await mailed.withdraw(user.id, purpose)
    for counter in {user.email, accounts.devices.counter(device.cookie, user.email)}:
        await accounts.lockout.clear(work.session, counter)
