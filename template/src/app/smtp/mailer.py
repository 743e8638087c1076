"""Hand mails to a mail server over SMTP."""

from email.utils import parseaddr

import aiosmtplib

from app.kit.mail import Mail, MailError, MailRefused, quote, write
from app.smtp.settings import SmtpSettings

# Time-out of the whole SMTP session, in seconds. After a time-out, the task that sends is retried.
TIMEOUT = 20.0
# Replies to MAIL, RCPT and DATA concern this message. A refused login or greeting concerns the settings: once a person
# has corrected them, the waiting messages are sent.
_ABOUT_THE_MESSAGE = (
    aiosmtplib.SMTPDataError,
    aiosmtplib.SMTPRecipientRefused,
    aiosmtplib.SMTPSenderRefused,
)
_NO_LOGIN = 530  # RFC 4954: authentication required
_PERMANENT = 500


class SmtpMailer:
    """Opens one connection per message: messages are rare, and the server would close an idle connection."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Send one mail. Raises MailError, or MailRefused where the server answers with 5xx."""
        settings = self._settings
        sender = settings.mail_from or "noreply@localhost"
        try:
            message = write(mail, sender)
        except ValueError as error:
            raise MailRefused("it cannot be written") from error
        try:
            await aiosmtplib.send(
                message,
                # Passed to the server explicitly: it never looks for recipients in the headers.
                sender=parseaddr(sender)[1],
                recipients=[mail.to],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password or None,
                use_tls=settings.smtp_tls == "implicit",
                start_tls=settings.smtp_tls == "starttls",
                timeout=TIMEOUT,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _judged(error, mail) from error


def _judged(error: Exception, mail: Mail) -> Exception:
    """A refusal for good, or an error that may pass."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, _ABOUT_THE_MESSAGE) and error.code >= _PERMANENT and error.code != _NO_LOGIN:
        return MailRefused(quote(f"{error.code} {error.message}", mail))
    return MailError(quote(error, mail))
