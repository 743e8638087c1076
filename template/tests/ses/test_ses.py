"""Mail over SES, to a server that answers as its API does."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from app.kit.configuration import ConfigurationError
from app.kit.mail import Mail, MailError, MailRefused
from app.ses.mailer import SesMailer
from app.ses.settings import SesSettings

MAIL = Mail(to="ann@example.com", subject="Xin chào", text="Tiếng Việt\n", html="<p>Tiếng Việt</p>\n", key="018f-1")


class Api(BaseHTTPRequestHandler):
    """POST /v2/email/outbound-emails."""

    received: ClassVar[list[tuple[str, Any]]] = []
    status: ClassVar[int] = 200
    error: ClassVar[str] = "MessageRejected"

    def do_POST(self) -> None:
        """Keep the request and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, json.loads(body)))
        answer = b'{"MessageId": "1"}' if self.status == 200 else b'{"message": "not verified"}'
        self.send_response(self.status)
        self.send_header("x-amzn-errortype", self.error)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Api]]:
    """The API on this machine."""
    Api.received.clear()
    monkeypatch.setattr(Api, "status", 200)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield Api
    server.shutdown()
    thread.join()
    server.server_close()


def mailer(**values: str) -> SesMailer:
    settings = {"mail_from": "shop@example.com", "aws_region": "ap-southeast-1", **values}
    return SesMailer(SesSettings.model_validate(settings))


async def test_a_mail_is_handed_over(api: type[Api]) -> None:
    await mailer(ses_configuration_set="shop").send(MAIL)
    path, request = api.received[0]
    assert path == "/v2/email/outbound-emails"
    assert request["FromEmailAddress"] == "shop@example.com"
    assert request["Destination"] == {"ToAddresses": [MAIL.to]}
    assert request["Content"]["Simple"]["Subject"]["Data"] == MAIL.subject
    body = request["Content"]["Simple"]["Body"]
    assert (body["Text"]["Data"], body["Html"]["Data"]) == (MAIL.text, MAIL.html)
    headers = {header["Name"]: header["Value"] for header in request["Content"]["Simple"]["Headers"]}
    assert headers == {"X-Mail-Key": MAIL.key, "Auto-Submitted": "auto-generated"}
    assert request["ConfigurationSetName"] == "shop"


@pytest.mark.parametrize(
    ("error", "raised"),
    [("MessageRejected", MailRefused), ("BadRequestException", MailRefused), ("LimitExceededException", MailError)],
)
async def test_a_refusal_of_the_message_is_told_from_one_that_passes(
    api: type[Api], monkeypatch: pytest.MonkeyPatch, error: str, raised: type[Exception]
) -> None:
    monkeypatch.setattr(Api, "status", 400)
    monkeypatch.setattr(Api, "error", error)
    with pytest.raises(raised, match="not verified"):
        await mailer().send(MAIL)


async def test_an_encoded_word_in_a_subject_stays_text(api: type[Api]) -> None:
    subject = "=?utf-8?q?a=0D=0ABcc:_eve@example.com?="
    await mailer().send(replace(MAIL, subject=subject))
    sent = api.received[0][1]["Content"]["Simple"]["Subject"]["Data"]
    assert str(make_header(decode_header(sent))) == subject


def test_a_sender_is_required_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="MAIL_FROM"):
        SesSettings.load()
