"""Mail about accounts, sent by the worker."""

from app.accounts.models import User
from app.kit.context import current_language
from app.kit.database import UnitOfWork
from app.kit.i18n import N_, translate
from app.kit.queue import Queue
from app.tasks.mail import request_mail

_SUBJECT = N_("Welcome, %(name)s")
_TEXT = N_("Hello %(name)s,\n\nyour account is ready. You can log in as %(email)s.\n")


def welcome(work: UnitOfWork, queue: Queue, user: User) -> None:
    """Have a welcome mail sent once the registration is committed."""
    language = user.language or current_language()
    request_mail(
        work,
        queue,
        to=user.email,
        subject=translate(_SUBJECT, language, name=user.name),
        text=translate(_TEXT, language, name=user.name, email=user.email),
        owner_id=user.id,
    )
