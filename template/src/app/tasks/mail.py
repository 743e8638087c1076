"""Mail as a task. It is stored in the transaction that causes it, sent by the worker, and retried until accepted."""

import hashlib
from uuid import UUID

import structlog
from pydantic import BaseModel

from app.composition import Resources, TaskRun
from app.kit.addresses import leads_nowhere
from app.kit.database import UnitOfWork
from app.kit.mail import MailError, MailRefused, Message, compose
from app.kit.queue import Payload, Queue, TaskKind
from app.tasks import metrics
from app.tasks.repository import MailRepository
from app.tasks.service import request_task

log = structlog.stdlib.get_logger(__name__)

# Mails of one kind per hour and mailbox, so that nobody can flood a mailbox through this service.
MOST_AN_HOUR = 3


class MailPayload(BaseModel):
    """A waiting message, stored in the task's row. Messages with secrets are written by their feature's tasks."""

    to: str
    kind: str
    language: str
    message: Message


SEND_MAIL = TaskKind("mail.send", MailPayload)


def request_mail(
    work: UnitOfWork, queue: Queue, *, to: str, kind: str, message: Message, language: str, owner_id: UUID | None = None
) -> UUID:
    """Send a message after the commit. Return the task's id.

    `to` is an address that its user has confirmed. Of each `kind`, an address gets three mails an hour.
    """
    payload = MailPayload(to=to, kind=kind, language=language, message=message)
    return request_task(work, queue, SEND_MAIL, payload, owner_id=owner_id, language=language)


async def send_mail(run: TaskRun, mail: MailPayload) -> Payload:
    """Send a message of `request_mail`."""
    async with run.resources.database.unit_of_work() as work:
        admitted = await admit(work, run, mail.to, mail.kind)
    if admitted:
        await send_message(run, mail.to, mail.message, mail.language)
    return {"sent": admitted}


async def admit(work: UnitOfWork, run: TaskRun, to: str, kind: str) -> bool:
    """Count a mail of this task to an address. Return False after three of the kind within the hour.

    Commit the unit of work before the mail is sent: nothing waits in a transaction for a mail server. A retried task
    is counted once.
    """
    recipient = hashlib.sha256(_mailbox(to).encode()).digest()
    admitted = await MailRepository(work.session).admit(run.task_id, recipient, kind, MOST_AN_HOUR)
    if not admitted:
        log.info("mail not sent: the address got enough of its kind", mail_kind=kind)
    return admitted


def _mailbox(address: str) -> str:
    """Return the mailbox of an address. Most servers let the user append anything after a `+` (RFC 5233)."""
    user, _, host = address.lower().rpartition("@")
    return f"{user.partition('+')[0] or user}@{host}"


async def send_message(run: TaskRun, to: str, message: Message, language: str) -> None:
    """Send a message to the mail server. Its key lets the recipient's server drop a second copy.

    Call it outside a transaction. Raises MailError, or MailRefused for a message that cannot be written, whose link
    leads nowhere, or that the server refuses for good.
    """
    try:
        await _send(run, to, message, language)
    except (MailError, MailRefused):
        metrics.MAILS_FAILED.inc()
        raise
    metrics.MAILS_SENT.inc()


async def _send(run: TaskRun, to: str, message: Message, language: str) -> None:
    if refuses_link(run.resources, message.link):
        raise MailRefused("PUBLIC_URL is not set, so its link would lead nowhere")
    service = run.resources.settings.service
    try:
        mail = compose(message, to=to, language=language, service=service, key=str(run.task_id))
    except ValueError as error:
        raise MailRefused(str(error)) from error
    await run.resources.mailer.send(mail)


def refuses_link(resources: Resources, link: str) -> bool:
    """Return whether a mail with this link is refused: outside development, unusable links are."""
    return not resources.settings.environment.is_local and leads_nowhere(link)
