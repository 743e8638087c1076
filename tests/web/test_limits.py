"""The limits of `sampan web`: hosts, methods, length, rate, time; and the headers of each response."""

import asyncio
import socket
import threading
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from sampan.source import Template
from sampan.web.desk import BusyError, Queue
from sampan.web.guard import HEADERS, Guard, Purse
from sampan.web.settings import Settings
from tests.web.conftest import GENEROUS, served

PATHS = ["/", "/static/app.css", "/static/", "/nothing", "/project.zip?db_storage_gb=1", "/answers.yml", "/?project_name=" + "a" * 501]


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 200),
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
        ("192.0.2.1", "192.0.2.2", 200),
    ],
)
def test_a_client_of_ipv6_is_its_network(first: str, second: str, status: int) -> None:
    """A host chooses among 2**64 addresses, none of which brings points of its own."""
    guard = Guard(PlainTextResponse("answered"), Settings(burst=1, points_per_second=0.01))
    clients = [TestClient(guard, base_url="http://localhost", client=(address, 50_000)) for address in (first, second)]
    assert [client.get("/").status_code for client in clients] == [200, status]


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_security_headers(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_has_no_script_or_style_of_its_own(client: TestClient) -> None:
    page = client.get("/").text
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == page.count('<script src="/static/') == 1
    assert "http://" not in page.replace("http://localhost/", "").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "https://" not in page


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1].evil.example", "[::1]]"])
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8180", "127.0.0.1:8180", "[::1]:8180"])
def test_the_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    assert client.get("/answers.yml", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_but_get_and_head_is_answered(client: TestClient, method: str) -> None:
    response = client.request(method, "/")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("headers", [{"Content-Length": "1000000000"}, {"Transfer-Encoding": "chunked"}])
def test_a_body_is_refused_and_the_connection_ends(client: TestClient, headers: dict[str, str]) -> None:
    refused = client.get("/", headers=headers)
    assert (refused.status_code, refused.headers["connection"]) == (413, "close")
    assert client.get("/health", headers={"Content-Length": "0"}).status_code == 200


def test_a_long_query_or_answer_is_refused(client: TestClient) -> None:
    assert client.get(f"/?x={'a' * 8_000}").status_code == 414
    refused = client.get(f"/?project_name={'a' * 501}")
    assert refused.status_code == 414
    assert "project_name: write at most 500 characters" in refused.text


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd", "/static/.", "/copier.yml", "/static"],
)
def test_no_path_leads_to_another_file(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in {404, 405}


def test_a_client_earns_points_and_spends_them() -> None:
    now = 0.0
    purse = Purse(Settings(burst=10, points_per_second=2, clients=2), clock=lambda: now)
    assert [purse.pay("a", 4), purse.pay("a", 4), purse.pay("a", 4)] == [0, 0, 2]
    assert purse.pay("b", 10) == 0
    now = 1.0
    assert purse.pay("a", 4) == 0
    purse.pay("c", 1)
    assert purse.pay("b", 10) == 0, "the client that was seen longest ago is forgotten"


def test_a_client_over_the_rate_waits() -> None:
    settings = Settings(hosts=("localhost",), burst=6, points_per_second=0.01)
    limited = TestClient(Guard(PlainTextResponse("answered"), settings), base_url="http://localhost")
    assert [limited.get(path).status_code for path in ("/", "/project.zip", "/", "/")] == [200, 200, 200, 429]
    refused = limited.get("/")
    assert int(refused.headers["retry-after"]) > 60
    assert limited.get("/static/app.css").status_code == 200


def test_a_request_that_takes_too_long_ends() -> None:
    async def slow(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(60)

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"localhost")], "client": None}
    asyncio.run(Guard(slow, Settings(deadline_seconds=0.01))(scope, None, send))  # type: ignore[arg-type]  # nothing is received
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"5") in sent[0]["headers"]


def test_a_client_that_sends_slowly_is_cut_off(plain_template: Template) -> None:
    with served(plain_template, replace(GENEROUS, header_seconds=0.5)) as url:
        port = urlsplit(url).port
        for start in (b"", b"GET / HTTP/1.1\r\nHost: loc", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT"):
            with socket.create_connection(("127.0.0.1", port or 0), timeout=30) as client:
                client.sendall(start)
                received = b"".join(iter(lambda: client.recv(4096), b""))  # called within this iteration of the loop
                assert b"HTTP/1.1 200" in received or not start.startswith(b"GET /health")


def test_a_queue_refuses_those_beyond_its_limit_and_recovers() -> None:
    async def run() -> None:
        queue, gate = Queue("test", 2), threading.Event()
        first, second = (asyncio.create_task(queue.run(gate.wait)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await queue.run(gate.wait)
        first.cancel()
        gate.set()
        assert await second
        assert await queue.run(gate.wait)
        queue.close()

    asyncio.run(run())


def test_a_busy_server_says_when_to_retry(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: Any) -> None:
        raise BusyError

    monkeypatch.setattr(Queue, "run", busy)
    refused = client.get("/?db_storage_gb=4321")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert "The server is busy" in refused.text
