"""Settings of the mail server."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.configuration import Fault, Section


class SmtpSettings(Section):
    """Where mail is handed over. Without SMTP_HOST, a developer's machine logs its mails."""

    mail_from: str = Field(default="", description="sender of all mail, such as noreply@example.com")
    smtp_host: str = Field(default="", description="host name of the mail server")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="1 to 65535")
    smtp_username: str = Field(default="", description="user name at the mail server")
    smtp_password: str = Field(default="", description="password at the mail server")
    smtp_tls: str = Field(
        default="starttls", pattern="^(none|starttls|implicit)$", description="none, starttls or implicit"
    )

    def faults(self) -> Iterator[Fault]:
        """Refuse to run without a mail server, or on an open connection to it, outside a developer's machine."""
        if self.environment.is_local:
            return
        if not self.smtp_host:
            yield Fault("SMTP_HOST", "is empty", "set the mail server's host name")
        if not self.mail_from:
            yield Fault("MAIL_FROM", "is empty", "set a sender such as noreply@example.com")
        if self.smtp_tls == "none":
            yield Fault("SMTP_TLS", "leaves the connection open", "set starttls or implicit")
