"""Mail: what a letter says, the one layout that all letters share, and what a feature that sends them must do."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from pydantic import BaseModel, ConfigDict

from app.kit.i18n import N_, translate
from app.kit.templates import templates

log = structlog.stdlib.get_logger(__name__)

_LAYOUTS = Path(__file__).parent / "mail_layout"
# What ends a line somewhere, or controls a terminal: in a header it would begin another one.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_OPEN_INSTEAD = N_("If the button does not work, open this address:")
_SENT_BY = N_("%(service)s sent this mail to %(address)s.")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address, as text and as HTML. `key` is the same when the same mail is sent twice.

    Raises ValueError where a line break would add a header.
    """

    to: str
    subject: str
    text: str
    html: str
    key: str

    def __post_init__(self) -> None:
        for header in (self.to, self.subject, self.key):
            if _CONTROL.search(header):
                raise ValueError("a line break in a header of a mail")


class Letter(BaseModel):
    """What a mail says, in the language of its reader, as plain text: the layout escapes it.

    `action` and `link` are a button and where it leads. Each of `small` is a paragraph of small print.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    paragraphs: list[str]
    greeting: str = ""
    action: str = ""
    link: str = ""
    small: list[str] = []


def compose(letter: Letter, *, to: str, language: str, service: str, key: str) -> Mail:
    """The mail of a letter. Line breaks in its subject become blanks."""
    subject = _CONTROL.sub(" ", letter.subject).strip()
    values = {
        "letter": letter,
        "subject": subject,
        "language": language,
        "service": service,
        "open_instead": translate(_OPEN_INSTEAD, language),
        "sent_by": translate(_SENT_BY, language, service=service, address=to),
    }
    text, html = (templates(_LAYOUTS).get_template(f"letter.{form}").render(values) for form in ("txt", "html"))
    return Mail(to=to, subject=subject, text=text, html=html, key=key)


class MailError(Exception):
    """The mail was not accepted; sending it again may work."""


class Mailer(Protocol):
    """Hands mails to a mail server."""

    async def send(self, mail: Mail) -> None:
        """Send one mail. Raises MailError."""


class LogMailer:
    """Writes mails to the log. For a developer's machine without a mail server."""

    async def send(self, mail: Mail) -> None:
        """Log the mail as it would have been sent."""
        log.info("mail not sent: no mail server is set", to=mail.to, subject=mail.subject, text=mail.text)
