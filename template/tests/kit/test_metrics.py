"""Metrics of requests, pool and cache: each one counts correctly, and callers cannot multiply the series."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from app.composition import Resources
from app.kit import pool, requests
from app.kit import redis as kit_redis
from app.kit.cache import Cache
from app.kit.database import Database
from app.kit.requests import RequestMiddleware
from app.settings import Settings
from tests.metrics import moved, value

REQUESTS = ("http_requests_total", "http_client_errors_total", "http_server_errors_total", "http_slow_requests_total")


@pytest.fixture
async def bare(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of an application that raises at /raise, is slow at /slow, and answers with the status at /<status>."""

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        word = scope["path"].rpartition("/")[2]
        if word == "raise":
            raise RuntimeError
        if word == "slow":
            await asyncio.sleep(0.03)
        status = int(word) if word.isdigit() else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(RequestMiddleware(answer, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "moves"),
    [
        ("/200", (1, 0, 0, 0)),
        ("/404", (1, 1, 0, 0)),
        ("/503", (1, 0, 1, 0)),
        ("/raise", (1, 0, 1, 0)),
        ("/slow", (1, 0, 0, 1)),
    ],
)
async def test_a_request_counts_by_its_answer_and_its_time(
    bare: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, moves: tuple[int, ...]
) -> None:
    monkeypatch.setattr(requests, "SLOW_REQUEST_SECONDS", 0.02 if path == "/slow" else 60)
    with moved(*REQUESTS, "http_request_seconds_count") as seen:
        await bare.get(path)
    assert tuple(seen[name] for name in REQUESTS) == moves
    assert seen["http_request_seconds_count"] == 1


@pytest.mark.parametrize(
    "path", ["/health/", "/health/live", "/health/ready", "/health/dependencies", "http://test/metrics"]
)
@pytest.mark.parametrize("starting", [False, True])
async def test_probes_and_scrapes_are_no_requests(
    client: httpx.AsyncClient,
    application: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    starting: bool,
) -> None:
    monkeypatch.setattr(application.state.serving, "started", not starting)
    with moved(*REQUESTS, "http_request_seconds_count", "http_requests_in_flight") as seen:
        await client.get(path)
    assert set(seen.values()) == {0}
    assert [record for record in caplog.records if record.name == "app.access"] == []


async def test_what_only_begins_like_a_probe_is_a_request(client: httpx.AsyncClient) -> None:
    with moved(*REQUESTS) as seen:
        await client.get("/healthy")
        await client.get("http://test/metrics-of-others")
    assert (seen["http_requests_total"], seen["http_client_errors_total"]) == (2, 2)


async def test_requests_in_flight_are_seen_while_they_are(settings: Settings) -> None:
    entered, released = asyncio.Event(), asyncio.Event()

    async def waiting(_scope: Scope, _receive: Receive, send: Send) -> None:
        entered.set()
        await released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(RequestMiddleware(waiting, settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        before = value("http_requests_in_flight")
        request = asyncio.create_task(client.get("/"))
        await entered.wait()
        during = value("http_requests_in_flight")
        released.set()
        await request
    assert (during - before, value("http_requests_in_flight") - before) == (1, 0)


def durations() -> set[tuple[str, str, str]]:
    """Method, route and class of status of each series of durations."""
    found = (sample for family in REGISTRY.collect() for sample in family.samples)
    labels = [sample.labels for sample in found if sample.name == "http_request_seconds_count"]
    return {(one["method"], one["route"], one["status"]) for one in labels}


async def test_callers_cannot_multiply_series(client: httpx.AsyncClient, settings: Settings) -> None:
    route = f"{settings.route_prefix}/v1/tasks/{{task_id}}"
    before = durations()
    for number in range(40):
        await client.request(f"METHOD{number}", f"/v1/scan/{number}")
        path = f"/v1/tasks/018f0000-0000-7000-8000-0000000000{number:02}?page={number}"
        await client.get(path, headers={"Host": f"host-{number}"})
    assert durations() - before <= {("OTHER", "unmatched", "4xx"), ("GET", route, "4xx")}
    assert durations() >= {("OTHER", "unmatched", "4xx"), ("GET", route, "4xx")}
    assert "scan" not in (await client.get("http://test/metrics")).text


async def test_the_access_log_names_the_route(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    await client.get("/v1/tasks/018f0000-0000-7000-8000-000000000000")
    line = next(str(record.msg) for record in reversed(caplog.records) if record.name == "app.access")
    assert f"{settings.route_prefix}/v1/tasks/{{task_id}}" in line


async def test_a_wait_for_a_connection_is_seen(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(settings.model_copy(update={"database_pool_size": 1}))
    names = ("database_pool_waits_total", "database_pool_wait_seconds_total", "database_pool_timeouts_total")
    try:
        with moved(*names) as seen:
            async with database.engine.connect():
                assert value("database_pool_in_use") == 1
                other = asyncio.create_task(database.ping())
                while not value("database_pool_waiting"):  # noqa: ASYNC110  a metric offers no event
                    await asyncio.sleep(0.01)
            await other
        assert (seen["database_pool_waits_total"], seen["database_pool_timeouts_total"]) == (1, 0)
        assert seen["database_pool_wait_seconds_total"] > 0
        assert (value("database_pool_waiting"), value("database_pool_size")) == (0, 1)
        monkeypatch.setattr(pool.FairPool, "timeout", lambda _self: 0.02)
        with moved(*names) as seen:
            async with database.engine.connect():
                with pytest.raises(Exception, match="no connection of 1 was free"):
                    async with database.engine.connect():
                        pass
        assert (seen["database_pool_waits_total"], seen["database_pool_timeouts_total"]) == (1, 1)
    finally:
        await database.close()


async def test_cached_reads_count_as_hits_misses_and_errors(resources: Resources) -> None:
    async def fill() -> bytes:
        return b"value"

    unreachable = kit_redis.connect("redis://127.0.0.1:1/0")
    names = ("cache_hits_total", "cache_misses_total", "cache_errors_total")
    with moved(*names) as seen:
        for _ in range(3):
            await resources.cache.get_or_fill("key", fill)
        await Cache(unreachable).get_or_fill("key", fill)
    await unreachable.aclose()
    assert [seen[name] for name in names] == [2, 1, 1]
