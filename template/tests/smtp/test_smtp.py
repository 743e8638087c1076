"""Mail over SMTP, to a server that really listens."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.dev.services import free_port
from app.kit.configuration import ConfigurationError
from app.kit.mail import Mail, MailError
from app.smtp.mailer import SmtpMailer
from app.smtp.settings import SmtpSettings

MAIL = Mail(to="ann@example.com", subject="Xin chào", text="Tiếng Việt\n", html="<p>Tiếng Việt</p>\n", key="018f-1")


class Inbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 kept"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def inbox(port: int) -> Iterator[Inbox]:
    """A mail server."""
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox
    controller.stop()


def mailer(port: int) -> SmtpMailer:
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "mail_from": "shop@example.com"}
    return SmtpMailer(SmtpSettings.model_validate(values))


async def test_a_mail_arrives_as_it_was_written(inbox: Inbox, port: int) -> None:
    await mailer(port).send(MAIL)
    arrived = inbox.mails[0]
    assert arrived["To"] == MAIL.to
    assert arrived["From"] == "shop@example.com"
    assert str(arrived["Subject"]) == MAIL.subject
    assert arrived["Message-ID"] == "<018f-1@example.com>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_content_type() == "multipart/alternative"
    parts = {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in arrived.iter_parts()}
    # The last part is the one that programs prefer.
    assert list(parts.items()) == [("text/plain", MAIL.text), ("text/html", MAIL.html)]


async def test_no_server_is_a_mail_error(port: int) -> None:
    with pytest.raises(MailError):
        await mailer(port).send(MAIL)


def test_a_mail_server_is_required_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="SMTP_HOST"):
        SmtpSettings.load()


def test_a_mail_server_and_a_sender_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SMTP_HOST", "mail.example.com")
    with pytest.raises(ConfigurationError, match="MAIL_FROM"):
        SmtpSettings.load()
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    assert SmtpSettings.load().smtp_tls == "starttls"
