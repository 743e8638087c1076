"""Mail: the content of messages, the one layout that all of them share, and the duties of a feature that sends them."""

import re
from dataclasses import dataclass
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import getaddresses, parseaddr
from pathlib import Path
from typing import Protocol

import structlog
from pydantic import BaseModel, ConfigDict

from app.kit.i18n import N_, translate
from app.kit.problems import Problem
from app.kit.templates import templates

log = structlog.stdlib.get_logger(__name__)

_LAYOUTS = Path(__file__).parent / "mail_layout"
# Line ends and characters that control a terminal: in a header, a line end would start another header.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

# Maximum length of a reason that is logged and stored with a task.
_LONGEST_REASON = 500

# SMTP's line ends. compat32, because the newer policy decodes encoded words in its input, line breaks included, and so
# lets a user inject headers through a name (seen on Python 3.11.7).
_POLICY = compat32.clone(linesep="\r\n")

_OPEN_INSTEAD = N_("If the button does not work, open this link:")
_SENT_BY = N_("%(service)s sent this email to %(address)s.")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one email address, as text and as HTML. A mail that is sent again has the same `key`.

    Raises ValueError if a line break would add a header, or if `to` is not exactly one email address.
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
        if getaddresses([self.to]) != [("", self.to)]:
            raise ValueError("a mail goes to exactly one address")


class Message(BaseModel):
    """The content of an email message, in the language of its reader, as plain text: the layout escapes it.

    `action` and `link` are a button and where it leads. Each of `small` is a paragraph of small print.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    paragraphs: list[str]
    greeting: str = ""
    action: str = ""
    link: str = ""
    small: list[str] = []


def compose(message: Message, *, to: str, language: str, service: str, key: str) -> Mail:
    """The mail of a message. Line breaks in its subject become blanks."""
    subject = _CONTROL.sub(" ", message.subject).strip()
    values = {
        "message": message,
        "subject": subject,
        "language": language,
        "service": service,
        "open_instead": translate(_OPEN_INSTEAD, language),
        "sent_by": translate(_SENT_BY, language, service=service, address=to),
    }
    text, html = (templates(_LAYOUTS).get_template(f"message.{form}").render(values) for form in ("txt", "html"))
    return Mail(to=to, subject=subject, text=text, html=html, key=key)


def encode_header(text: str) -> str:
    """Return a header whose decoded value is exactly this text, even if it contains encoded words."""
    plain = text.isascii() and "=?" not in text
    return text if plain else Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def write(mail: Mail, sender: str) -> bytes:
    """Return the mail as an RFC 5322 message with text and HTML. The same key gives the same Message-ID.

    Raises ValueError if it cannot be written.
    """
    message = MIMEMultipart("alternative", policy=_POLICY)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = encode_header(mail.subject)
    message["Message-ID"] = f"<{mail.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    # Marks the message as automatic, so that mail programs send no out-of-office reply (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    # Base64, so that no line of the text can be mistaken for a header or a boundary.
    message.attach(MIMEText(mail.text, "plain", "utf-8", policy=_POLICY))
    message.attach(MIMEText(mail.html, "html", "utf-8", policy=_POLICY))
    return message.as_bytes(policy=_POLICY)


class MailError(Exception):
    """The mail was not accepted. A retry may work, unless `lasting`: then a person has to act first."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(_CONTROL.sub(" ", reason)[:_LONGEST_REASON])
        self.lasting = lasting


class MailRefused(Problem):
    """The mail cannot be written, or the mail server refused it for good: a retry cannot help."""

    slug = "mail-refused"
    title = N_("Email not sent")
    detail = N_("The email could not be sent: %(reason)s")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=_CONTROL.sub(" ", reason)[:_LONGEST_REASON])

    def __str__(self) -> str:
        """The reason."""
        return str(self.parameters["reason"])


def quote(answer: object, mail: Mail) -> str:
    """Return a mail server's reply for logs, without the recipient, which many servers repeat."""
    return re.sub(re.escape(mail.to), "the recipient", str(answer), flags=re.IGNORECASE)


class Mailer(Protocol):
    """Hands mails to a mail server."""

    async def send(self, mail: Mail) -> None:
        """Send one mail. Raises MailError, or MailRefused if a retry cannot help."""


class LogMailer:
    """Writes mails to the log. For a developer's machine without a mail server."""

    async def send(self, mail: Mail) -> None:
        """Log the mail as it would have been sent."""
        log.info("mail not sent: no mail server is set", to=mail.to, subject=mail.subject, text=mail.text)
