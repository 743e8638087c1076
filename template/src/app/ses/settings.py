"""Settings of Amazon SES."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.configuration import Fault, Section


class SesSettings(Section):
    """The sender of email. Without MAIL_FROM, a developer's machine logs its messages. The pod's role may send."""

    mail_from: str = Field(default="", description="a sender of the verified domain, such as noreply@example.com")
    aws_region: str = Field(default="", description="the region of the verified domain")
    ses_configuration_set: str = Field(default="", description="name of the configuration set, or empty")

    def faults(self) -> Iterator[Fault]:
        """Refuse to run without a sender outside a developer's machine."""
        if not self.mail_from and not self.environment.is_local:
            yield Fault("MAIL_FROM", "is empty", "set a sender of the verified domain, such as noreply@example.com")
