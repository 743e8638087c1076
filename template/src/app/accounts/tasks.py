"""Mail about accounts, sent by the worker. Messages with a secret are written there: no task's row ever holds one."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from app.accounts.messages import Reader, account_deleted, password_changed, reset, verification, welcome
from app.accounts.models import Purpose, User
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.audit.log import Actor
from app.composition import Resources, TaskHandler, TaskRun
from app.kit.context import current_language
from app.kit.database import UnitOfWork
from app.kit.mail import Message
from app.kit.queue import TaskKind
from app.tasks.mail import admit, refuses_link, request_mail, send_message
from app.tasks.service import request_task

PASSWORD_CHANGED = "accounts.password-changed"  # noqa: S105  the kind of a mail

ACCOUNT_DELETED = "accounts.deleted"

_Write = Callable[[Reader, str, datetime], Message]


class LinkPayload(BaseModel):
    """An email address from a request. The worker looks up its user, so the caller cannot tell whether one exists."""

    email: str


WELCOME = TaskKind("accounts.welcome", LinkPayload)
VERIFY_EMAIL = TaskKind("accounts.verify-email", LinkPayload)
RESET_PASSWORD = TaskKind("accounts.reset-password", LinkPayload)


def request_link(work: UnitOfWork, resources: Resources, kind: TaskKind[LinkPayload], email: str) -> None:
    """Send a link after the commit, if a user has the address."""
    request_task(work, resources.queue, kind, LinkPayload(email=email))


def notify_of_password(work: UnitOfWork, resources: Resources, user: User, address: str) -> None:
    """Notify a user with a confirmed email address of a new password, after the commit."""
    if user.email_verified_at is None:
        return
    reader = Reader.of(user, current_language(), resources.settings.time_zone)
    page = accounts_of(resources).settings.reset_password_page()
    # Without PUBLIC_URL, send the notice without a link rather than not at all.
    link = "" if refuses_link(resources, page) else page
    message = password_changed(reader, link, datetime.now(UTC), address)
    request_mail(
        work,
        resources.queue,
        to=user.email,
        kind=PASSWORD_CHANGED,
        message=message,
        language=reader.language,
        owner_id=user.id,
    )


def notify_of_deletion(work: UnitOfWork, resources: Resources, user: User, actor: Actor, former: Sequence[str]) -> None:
    """Notify a user with a confirmed email address of the deleted account, after the commit.

    And at former addresses that could be restored: the person who changed the address may have taken the account over.
    """
    reader = Reader.of(user, current_language(), resources.settings.time_zone)
    # Do not disclose an administrator's IP address. The task has no owner, because a deletion removes the user's tasks.
    address = actor.address if actor.user_id == user.id else ""
    message = account_deleted(reader, datetime.now(UTC), address)
    for to in sorted({*former, *([user.email] if user.email_verified_at else [])}):
        request_mail(work, resources.queue, to=to, kind=ACCOUNT_DELETED, message=message, language=reader.language)


async def send_welcome(run: TaskRun, payload: LinkPayload) -> None:
    """Welcome a new user by email, with the link that confirms the address."""
    page = accounts_of(run.resources).settings.verify_email_page()
    await _send(run, payload, Purpose.VERIFY_EMAIL, page, welcome)


async def send_verification(run: TaskRun, payload: LinkPayload) -> None:
    """Send the link that confirms an address, unless it is already confirmed."""
    page = accounts_of(run.resources).settings.verify_email_page()
    await _send(run, payload, Purpose.VERIFY_EMAIL, page, verification)


async def send_reset(run: TaskRun, payload: LinkPayload) -> None:
    """Send the link that sets a new password."""
    page = accounts_of(run.resources).settings.reset_password_page()
    await _send(run, payload, Purpose.RESET_PASSWORD, page, reset)


TASK_HANDLERS = (
    TaskHandler(WELCOME, send_welcome),
    TaskHandler(VERIFY_EMAIL, send_verification),
    TaskHandler(RESET_PASSWORD, send_reset),
)


async def _send(run: TaskRun, payload: LinkPayload, purpose: Purpose, page: str, write: _Write) -> None:
    """Send a link, if its user still exists.

    The token is committed before the mail is sent, so that no transaction waits for the mail server. An attempt that
    fails after the mail was accepted mails another token; both are good.
    """
    try:
        issued = await _issue(run, payload, purpose)
    except IntegrityError:
        # The account was deleted after the lookup.
        return
    if issued is not None:
        user, token, expires_at = issued
        reader = Reader.of(user, run.language, run.resources.settings.time_zone)
        await send_message(run, user.email, write(reader, f"{page}#token={token}", expires_at), reader.language)


async def _issue(run: TaskRun, payload: LinkPayload, purpose: Purpose) -> tuple[User, str, datetime] | None:
    async with run.resources.database.unit_of_work() as work:
        user = await AccountRepository(work.session).user_by_email(payload.email)
        if user is None or user.disabled_at or (purpose == Purpose.VERIFY_EMAIL and user.email_verified_at):
            return None
        # Registration and a request for another link share one limit, because both mail this link.
        if not await admit(work, run, user.email, purpose):
            return None
        token, expires_at = await MailedTokens(work.session, accounts_of(run.resources).tokens).issue(user, purpose)
    return user, token, expires_at
