"""Hand mails to a mail server over SMTP."""

from email.message import EmailMessage

import aiosmtplib

from app.kit.mail import Mail, MailError
from app.smtp.settings import SmtpSettings

# Seconds for the whole conversation; the task that sends is repeated when it takes longer.
TIMEOUT = 20.0


class SmtpMailer:
    """One connection a mail: mails are few, and an idle connection would be closed by the server."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> None:
        """Send one mail. Raises MailError when the server does not accept it."""
        settings = self._settings
        try:
            await aiosmtplib.send(
                compose(mail, settings.mail_from or "noreply@localhost"),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password or None,
                use_tls=settings.smtp_tls == "implicit",
                start_tls=settings.smtp_tls == "starttls",
                timeout=TIMEOUT,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailError(str(error)) from error


def compose(mail: Mail, sender: str) -> EmailMessage:
    """The mail as a message, as text and as HTML. The same key gives the same Message-ID."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Message-ID"] = f"<{mail.key}@{sender.rpartition('@')[2]}>"
    # Programs mark what machines sent, and answer it with no notice of absence (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
