"""Mail over SMTP as a feature of the service."""

from app.composition import Feature, Resources
from app.kit.mail import LogMailer, Mailer
from app.smtp.mailer import SmtpMailer
from app.smtp.settings import SmtpSettings


def make_mailer(resources: Resources) -> Mailer:
    """The mail server's client, or the log where no server is set."""
    settings = resources.section(SmtpSettings)
    return SmtpMailer(settings) if settings.smtp_host else LogMailer()


feature = Feature(name="smtp", settings=SmtpSettings, mailer=make_mailer)
