"""Mail about a change of address, sent by the worker. No task's row holds a token: see `MailedTokens.reserve`."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from app.accounts.messages import Reader, email_changed, new_address
from app.accounts.models import Purpose, User
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.audit.log import Actor
from app.composition import Resources, TaskHandler, TaskRun
from app.kit.database import UnitOfWork
from app.kit.queue import TaskKind
from app.tasks.mail import admit, refuses_link, send_message
from app.tasks.service import request_task


class ChangePayload(BaseModel):
    """A change of address that a user requested in a session. The worker checks whether the address is free."""

    user_id: UUID
    session_id: UUID
    email: str


class ChangedPayload(BaseModel):
    """A completed change of address: the former address, the nonce of its link, the time and the IP address."""

    user_id: UUID
    email: str
    nonce: str
    moment: datetime
    address: str


CHANGE_EMAIL = TaskKind("accounts.change-email", ChangePayload)
EMAIL_CHANGED = TaskKind("accounts.email-changed", ChangedPayload)


def notify_former_address(
    work: UnitOfWork, resources: Resources, user: User, former: str, nonce: str, actor: Actor, moment: datetime
) -> None:
    """Notify the former address after the commit, with a link that undoes the change."""
    payload = ChangedPayload(user_id=user.id, email=former, nonce=nonce, moment=moment, address=actor.address)
    request_task(work, resources.queue, EMAIL_CHANGED, payload, owner_id=user.id)


async def send_link(run: TaskRun, payload: ChangePayload) -> None:
    """Mail a link to the new address, if it is free. Nothing is mailed to an address that another user has."""
    accounts = accounts_of(run.resources)
    try:
        issued = await _issue(run, payload)
    except IntegrityError:
        # The account was deleted after the lookup.
        return
    if issued is None:
        return
    user, token, expires_at = issued
    settings = run.resources.settings
    # Leave out the user's name: the address is not confirmed, so a stranger may read this message.
    reader = Reader("", payload.email, user.language or run.language, user.time_zone or settings.time_zone)
    link = f"{accounts.settings.change_email_page()}#token={token}"
    await send_message(run, payload.email, new_address(reader, link, expires_at), reader.language)


async def send_notice(run: TaskRun, payload: ChangedPayload) -> None:
    """Notify the former address that it was replaced."""
    accounts = accounts_of(run.resources)
    async with run.resources.database.unit_of_work() as work:
        user = await AccountRepository(work.session).user(payload.user_id)
        mailed = MailedTokens(work.session, accounts.tokens)
        token = mailed.derived(payload.nonce)
        if user is None or not await mailed.owner(token, Purpose.RESTORE_EMAIL):
            return
    settings = run.resources.settings
    reader = Reader(user.name, payload.email, user.language or run.language, user.time_zone or settings.time_zone)
    page = accounts.settings.restore_email_page()
    # Without PUBLIC_URL, send the notice without a link rather than not at all.
    link = "" if refuses_link(run.resources, page) else f"{page}#token={token}"
    message = email_changed(reader, link, payload.moment, payload.address)
    await send_message(run, payload.email, message, reader.language)


TASK_HANDLERS = (TaskHandler(CHANGE_EMAIL, send_link), TaskHandler(EMAIL_CHANGED, send_notice))


async def _issue(run: TaskRun, payload: ChangePayload) -> tuple[User, str, datetime] | None:
    async with run.resources.database.unit_of_work() as work:
        repository = AccountRepository(work.session)
        mailed = MailedTokens(work.session, accounts_of(run.resources).tokens)
        # Anything that ends the session, such as a password reset, also cancels the change.
        session = await repository.live_session(payload.session_id)
        if session is None or session[1].id != payload.user_id:
            return None
        user = session[1]
        # Issue the token even if it is not mailed: the user's export contains its row, and a missing row would reveal
        # that the address is taken.
        token, expires_at = await mailed.issue(user, Purpose.CHANGE_EMAIL, payload.email, payload.session_id)
        taken = await repository.user_by_email(payload.email) or await mailed.reserved(payload.email, payload.user_id)
        if taken or not await admit(work, run, payload.email, Purpose.CHANGE_EMAIL):
            return None
    return user, token, expires_at
