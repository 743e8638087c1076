"""The middleware around every request."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.kit.configuration import Environment
from app.kit.logs import configure_logging
from app.kit.requests import RequestMiddleware
from app.settings import Settings
from tests.identity import SignedIn


@pytest.fixture
async def broken(application: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of an application whose only route raises."""

    async def raising(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("a secret of the inside")

    transport = httpx.ASGITransport(RequestMiddleware(raising, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_an_unknown_error_is_a_problem_that_tells_nothing(broken: httpx.AsyncClient) -> None:
    answer = await broken.get("/")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret of the inside" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_an_acceptable_request_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live", headers={"X-Request-ID": "abc-12345"})
    assert answer.headers["x-request-id"] == "abc-12345"


@pytest.mark.parametrize("given", ["short", "x" * 65, "white space 1", 'quote"quote"', ""])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/health/live", headers={"X-Request-ID": given})
    assert len(answer.headers["x-request-id"]) == 32


async def test_answers_carry_security_headers(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/health/live")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        # Not redirected: behind a load balancer, a redirect would send the caller and its token to http:.
        ("GET", "/health", 404, "not-found"),
        ("GET", "/health/live/", 404, "not-found"),
        ("PUT", "/health/live", 405, "method-not-allowed"),
        ("GET", "/v1/tasks/018f0000-0000-7000-8000-000000000000", 401, "unauthorized"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:problem:{slug}"
    assert answer.json()["status"] == status


@contextmanager
def logs_of(environment: Environment) -> Iterator[None]:
    """Log as an environment does."""
    root = logging.getLogger()
    handlers, level, configuration = root.handlers, root.level, structlog.get_config()
    try:
        configure_logging(environment, "INFO", service="shop")
        yield
    finally:
        root.handlers, root.level = handlers, level
        structlog.configure(**configuration)


def test_a_line_on_a_developers_machine_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_of(Environment.DEVELOPMENT):
        structlog.stdlib.get_logger("app.worker").info("worker started", concurrency=2)
    line = capsys.readouterr().err.rstrip()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info +\] worker started +\[app.worker\] concurrency=2", line), line
    assert len(line) <= 80


def test_production_logs_are_json_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_of(Environment.PRODUCTION):
        structlog.stdlib.get_logger("test").info("hello", password="hunter2", count=1)
        logging.getLogger("library").warning("plain %s", "words")
        logging.getLogger("app.kit.pool.FairPool").info("Pool disposed")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["password"], first["service"], first["count"]) == ("hello", "[removed]", "shop", 1)
    assert (second["event"], second["level"]) == ("plain words", "warning")


async def test_a_line_names_request_and_user_and_tells_no_token(
    ann: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ann.get("/v1/tasks")
    line = next(str(record.msg) for record in reversed(caplog.records) if record.name == "app.access")
    assert answer.headers["x-request-id"] in line
    assert ann.user_id in line
    assert ann.token not in caplog.text


async def test_a_path_in_a_line_controls_no_terminal(
    client: httpx.AsyncClient, broken: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Any page of the web can have a developer's browser ask for one."""
    for caller in (client, broken):
        await caller.get("/%1b]52;c;cHduZWQ%07%0a")
    lines = [record.msg for record in caplog.records if record.name == "app.access" and isinstance(record.msg, dict)]
    paths = [line["path"] for line in lines]
    assert len(paths) == 3
    assert all(path.isprintable() and "%1b" in path.lower() for path in paths), paths


async def test_what_one_request_bound_is_not_in_the_next_ones_line(
    ann: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    await ann.get("/v1/tasks")
    await ann.client.get("/v1/nothing")
    line = next(str(record.msg) for record in reversed(caplog.records) if record.name == "app.access")
    assert "/v1/nothing" in line
    assert ann.user_id not in line


async def test_production_tells_browsers_to_stay_with_https(settings: Settings) -> None:
    async def answering(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=5")]})
        await send({"type": "http.response.body", "body": b""})

    production = settings.model_copy(update={"environment": Environment.PRODUCTION})
    transport = httpx.ASGITransport(RequestMiddleware(answering, production))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        headers = (await client.get("/")).headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["cache-control"] == "max-age=5"


@pytest.mark.parametrize("path", ["/health/live", "/v1/tasks", "http://test/metrics", "/v1/nothing"])
async def test_head_answers_as_get_without_the_body(ann: SignedIn, path: str) -> None:
    headers = {"Authorization": f"Bearer {ann.token}"}
    get, head = [await ann.client.request(method, path, headers=headers) for method in ("GET", "HEAD")]
    assert (head.status_code, head.content) == (get.status_code, b"")
    left_out = {"x-request-id", "ratelimit", "content-length"}
    assert {name: head.headers[name] for name in head.headers.keys() - left_out} == {
        name: get.headers[name] for name in get.headers.keys() - left_out
    }
    assert int(head.headers["content-length"]) > 0


async def test_head_is_allowed_where_get_is_and_nowhere_else(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/health/live")).headers["allow"] == "GET, HEAD"
    answer = await client.head("/v1/tasks/x/y")
    assert answer.status_code == 404
