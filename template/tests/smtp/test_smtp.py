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
from app.kit.mail import Mail, MailError, MailRefused
from app.smtp.mailer import SmtpMailer
from app.smtp.settings import SmtpSettings

MAIL = Mail(to="ann@example.com", subject="Xin chào", text="Tiếng Việt\n", html="<p>Tiếng Việt</p>\n", key="018f-1")


class Inbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.replies: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "RCPT" not in self.replies:
            envelope.rcpt_tos.append(address)
            self.recipients.append(address)
        return self.replies.get("RCPT", "250 OK")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        if "DATA" in self.replies:
            return self.replies["DATA"]
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
    # Mail programs prefer the last part, so HTML comes last.
    assert list(parts.items()) == [("text/plain", MAIL.text), ("text/html", MAIL.html)]


async def test_a_mail_reaches_its_one_recipient_whatever_its_subject_says(inbox: Inbox, port: int) -> None:
    subject = "Welcome, =?utf-8?q?a=0D=0ABcc:_eve@example.com=0D=0A=0D=0ABody?="
    await mailer(port).send(Mail(to="ann@example.com", subject=subject, text="Hi", html="Hi", key="1"))
    assert inbox.recipients == ["ann@example.com"]
    assert inbox.mails[0]["Bcc"] is None
    assert inbox.mails[0].get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    ("command", "reply", "raised"),
    [
        ("RCPT", "550 5.1.1 No such user", MailRefused),
        ("DATA", "554 Email address is not verified", MailRefused),
        ("RCPT", "450 4.2.1 Mailbox busy", MailError),
        ("DATA", "451 Try again", MailError),
        ("RCPT", "530 5.7.0 Authentication required", MailError),
    ],
)
async def test_a_permanent_reply_is_told_from_a_passing_one(
    inbox: Inbox, port: int, command: str, reply: str, raised: type[Exception]
) -> None:
    inbox.replies[command] = reply
    with pytest.raises(raised, match=reply.rpartition(" ")[2]):
        await mailer(port).send(MAIL)


@pytest.mark.parametrize("reply", ["550 5.1.1 <Ann@Example.com>: no such user", "450 4.2.1 <ann@example.com>: busy"])
async def test_a_reason_leaves_the_recipient_out(inbox: Inbox, port: int, reply: str) -> None:
    inbox.replies["RCPT"] = reply
    with pytest.raises((MailError, MailRefused), match="<the recipient>") as raised:
        await mailer(port).send(MAIL)
    assert MAIL.to not in str(raised.value).lower()


async def test_a_mail_that_cannot_be_written_is_refused(inbox: Inbox, port: int) -> None:
    with pytest.raises(MailRefused):
        await mailer(port).send(Mail(to="ann@example.com", subject="\ud800", text="Hi", html="Hi", key="1"))
    assert inbox.recipients == []


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
    monkeypatch.setenv("SMTP_TLS", "none")
    with pytest.raises(ConfigurationError, match="SMTP_TLS: leaves the connection open"):
        SmtpSettings.load()
