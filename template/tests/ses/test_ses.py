"""Mail over SES, to a server that answers as its API does."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from structlog.testing import CapturingLogger

from app.composition import Resources
from app.kit.configuration import ConfigurationError
from app.kit.mail import Mail, Message
from app.ses.mailer import SesMailer
from app.ses.settings import SesSettings
from app.tasks.mail import request_mail
from app.tasks.runner import run_task
from tests.conftest import ROOT
from tests.tasks.fixtures import stored

MAIL = Mail(to="ann@example.com", subject="Xin chào", text="Tiếng Việt\n", html="<p>Tiếng Việt</p>\n", key="018f-1")


class Api(BaseHTTPRequestHandler):
    """POST /v2/email/outbound-emails."""

    received: ClassVar[list[tuple[str, Any]]] = []
    status: ClassVar[int] = 200
    error: ClassVar[str] = "MessageRejected"
    message: ClassVar[str] = ""

    def do_POST(self) -> None:
        """Keep the request and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, json.loads(body)))
        content = {"MessageId": "1"} if self.status == 200 else {"message": self.message}
        answer = json.dumps(content).encode()
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


UNVERIFIED = "Email address is not verified. The following identities failed the check in region AP-SOUTHEAST-1: "
SANDBOX, SENDER = UNVERIFIED + "Ann@Example.com", UNVERIFIED + "Shop <shop@example.com>, ann@example.com"


@pytest.mark.parametrize(
    ("error", "message", "status", "remedy"),
    [
        ("MessageRejected", SANDBOX, "dead", "is in its sandbox.*production access"),
        ("MessageRejected", SENDER, "queued", "MAIL_FROM.*get-email-identity"),
        ("MessageRejected", "Message contains a virus", "failed", "contains a virus"),
        ("BadRequestException", "Local part is too long", "failed", "refuses this message.*too long"),
        ("MailFromDomainNotVerifiedException", "not verified", "queued", "MX record"),
        ("SendingPausedException", "Account is paused", "queued", "resume sending"),
        ("AccountSuspendedException", "Account is suspended", "dead", "AWS Support"),
        ("NotFoundException", "Configuration set does not exist", "dead", "SES_CONFIGURATION_SET"),
        ("LimitExceededException", "Too many", "queued", "Service Quotas"),
        ("TooManyRequestsException", "Daily message quota exceeded", "queued", "200 messages a day in the sandbox"),
        ("AccessDeniedException", "is not authorized to perform ses:SendEmail", "queued", "not authorized"),
    ],
)
async def test_the_task_and_the_log_say_why_a_mail_was_not_sent_and_what_helps(
    api: type[Api],
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    message: str,
    status: str,
    remedy: str,
) -> None:
    monkeypatch.setattr(Api, "status", 400)
    monkeypatch.setattr(Api, "error", error)
    monkeypatch.setattr(Api, "message", message)
    monkeypatch.setattr(resources, "mailer", mailer())
    async with resources.database.unit_of_work() as work:
        hello = Message(subject="Hi", paragraphs=[])
        task_id = request_mail(work, resources.queue, to=MAIL.to, kind="x", message=hello, language="en")
    # The module's logger may already be configured and cached, and `capture_logs` would then see nothing.
    log = CapturingLogger()
    monkeypatch.setattr("app.tasks.runner.log", log)
    await run_task(resources, task_id)
    assert (await stored(resources, task_id)).status == status
    while (task := await stored(resources, task_id)).status == "queued":
        await run_task(resources, task_id)
    assert task.status == ("dead" if status == "queued" else status)
    assert task.problem is not None
    reasons = [str(task.problem["detail"]), *(call.kwargs["reason"] for call in log.calls if "reason" in call.kwargs)]
    assert len(reasons) > 1
    assert all(re.search(remedy, reason) for reason in reasons), reasons
    # Not everybody who can read the log may know who has an account.
    assert MAIL.to not in str(log.calls).lower()


def test_the_guide_has_the_section_that_the_sandbox_s_reason_names() -> None:
    assert "\n## Mail leaves the sandbox\n" in (ROOT / "docs/first-deployment.md").read_text(encoding="utf-8")


async def test_an_encoded_word_in_a_subject_stays_text(api: type[Api]) -> None:
    subject = "=?utf-8?q?a=0D=0ABcc:_eve@example.com?="
    await mailer().send(replace(MAIL, subject=subject))
    sent = api.received[0][1]["Content"]["Simple"]["Subject"]["Data"]
    assert str(make_header(decode_header(sent))) == subject


def test_a_sender_is_required_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="MAIL_FROM"):
        SesSettings.load()
