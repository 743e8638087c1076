"""Mail: what a message is, and what a feature that sends it must do."""

from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain text mail to one address. `key` is the same when the same mail is sent twice."""

    to: str
    subject: str
    text: str
    key: str


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
