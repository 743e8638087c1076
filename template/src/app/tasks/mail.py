"""Mail as a task: written with the transaction that causes it, sent by the worker, repeated until accepted."""

from uuid import UUID

from pydantic import BaseModel

from app.kit import metrics
from app.kit.database import UnitOfWork
from app.kit.mail import Letter, compose
from app.kit.queue import Payload, Queue, TaskRun
from app.tasks.service import request_task

SEND_MAIL = "mail.send"


class MailPayload(BaseModel):
    """A letter that waits. It stays in the task's row: a letter with a secret is written by its sender's own task."""

    to: str
    language: str
    letter: Letter


def request_mail(
    work: UnitOfWork, queue: Queue, *, to: str, letter: Letter, language: str, owner_id: UUID | None = None
) -> UUID:
    """Have a letter sent once the unit of work is committed. Returns the task's id."""
    payload = MailPayload(to=to, language=language, letter=letter)
    return request_task(work, queue, SEND_MAIL, payload.model_dump(), owner_id=owner_id, language=language)


async def send_mail(run: TaskRun, payload: Payload) -> None:
    """Send a letter that was asked for with `request_mail`."""
    mail = MailPayload.model_validate(payload)
    await send_letter(run, mail.to, mail.letter, mail.language)


async def send_letter(run: TaskRun, to: str, letter: Letter, language: str) -> None:
    """Hand a letter to the mail server. Its key lets the reader's server drop a second copy. Raises MailError."""
    service = run.resources.settings.service
    await run.resources.mailer.send(compose(letter, to=to, language=language, service=service, key=str(run.task_id)))
    metrics.MAILS_SENT.inc()
