"""Mail about accounts, sent by the worker."""

from app.accounts.models import User
from app.kit.context import current_language
from app.kit.database import UnitOfWork
from app.kit.i18n import N_, translate
from app.kit.mail import Letter
from app.kit.queue import Queue
from app.tasks.mail import request_mail

_SUBJECT = N_("Welcome, %(name)s")
_GREETING = N_("Hello %(name)s,")
_TEXT = N_("your account is ready. You can log in as %(email)s.")


def welcome(work: UnitOfWork, queue: Queue, user: User) -> None:
    """Have a welcome mail sent once the registration is committed."""
    language = user.language or current_language()
    letter = Letter(
        subject=translate(_SUBJECT, language, name=user.name),
        greeting=translate(_GREETING, language, name=user.name),
        paragraphs=[translate(_TEXT, language, email=user.email)],
    )
    request_mail(work, queue, to=user.email, letter=letter, language=language, owner_id=user.id)
