"""Mail over Amazon SES as a feature of the service."""

from app.composition import Feature, Resources
from app.kit.mail import LogMailer, Mailer
from app.ses.mailer import SesMailer
from app.ses.settings import SesSettings


def make_mailer(resources: Resources) -> Mailer:
    """The client of SES, or the log where no sender is set."""
    settings = resources.section(SesSettings)
    return SesMailer(settings) if settings.mail_from else LogMailer()


feature = Feature(name="ses", settings=SesSettings, mailer=make_mailer)
