"""Mail as a task: written with the transaction that causes it, sent by the worker, repeated until accepted."""

from uuid import UUID

from pydantic import BaseModel

from app.kit import metrics
from app.kit.database import UnitOfWork
from app.kit.mail import Mail
from app.kit.queue import Payload, Queue, TaskRun
from app.tasks.service import request_task

SEND_MAIL = "mail.send"


class MailPayload(BaseModel):
    """A mail that waits: already in the language of its reader."""

    to: str
    subject: str
    text: str


def request_mail(
    work: UnitOfWork, queue: Queue, *, to: str, subject: str, text: str, owner_id: UUID | None = None
) -> UUID:
    """Have a mail sent once the unit of work is committed. Returns the task's id."""
    payload = MailPayload(to=to, subject=subject, text=text)
    return request_task(work, queue, SEND_MAIL, payload.model_dump(), owner_id=owner_id)


async def send_mail(run: TaskRun, payload: Payload) -> None:
    """Hand the mail to the mail server. Its key lets a reader's server drop a second copy."""
    mail = MailPayload.model_validate(payload)
    await run.resources.mailer.send(Mail(to=mail.to, subject=mail.subject, text=mail.text, key=str(run.task_id)))
    metrics.MAILS_SENT.inc()
