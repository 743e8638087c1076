"""Health: the responses to the load balancer, the kubelet and an alarm, and the probes behind them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.composition import Resources
from app.health import probes, state
from app.health.probes import Probes
from app.health.state import ServingState, await_database
from app.kit import redis as kit_redis
from app.kit.database import Database
from app.kit.problems import Unavailable
from app.settings import Settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
async def outage(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """PostgreSQL and Redis are out of reach."""
    database, redis = resources.database, resources.redis
    resources.database = Database(settings.model_copy(update={"database_url": NOWHERE}))
    resources.redis = kit_redis.connect("redis://127.0.0.1:1/0")
    yield
    await resources.database.close()
    await resources.redis.aclose()
    resources.database, resources.redis = database, redis


@pytest.fixture
def serving(application: FastAPI) -> ServingState:
    serving: ServingState = application.state.serving
    return serving


@pytest.mark.parametrize("path", ["/health/", "/health/live", "/health/ready", "/health/dependencies"])
async def test_all_is_well(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_health_names_its_components(client: httpx.AsyncClient) -> None:
    body = (await client.get("/health/")).json()
    assert body == {"status": "serving", "components": {"database": "up", "redis": "up"}}


@pytest.mark.usefixtures("outage")
async def test_an_outage_shows_but_takes_no_pod_out(client: httpx.AsyncClient) -> None:
    health = await client.get("/health/")
    assert health.status_code == 200
    assert health.json()["components"] == {"database": "down", "redis": "down"}
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/health/ready")).status_code == 200
    assert (await client.get("/health/dependencies")).status_code == 503


@pytest.mark.parametrize(("field", "word"), [("started", "starting"), ("draining", "draining")])
async def test_a_process_that_starts_or_drains_takes_no_requests(
    client: httpx.AsyncClient, serving: ServingState, monkeypatch: pytest.MonkeyPatch, field: str, word: str
) -> None:
    monkeypatch.setattr(serving, field, not getattr(serving, field))
    for path in ("/health/", "/health/ready"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, word)
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.usefixtures("outage")
async def test_connection_errors_are_counted_and_answered_as_a_problem(client: httpx.AsyncClient) -> None:
    async def errors() -> float:
        lines = (await client.get("http://test/metrics")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("database_connection_errors_total"))

    before = await errors()
    await client.get("/health/dependencies")
    assert await errors() > before


async def test_health_is_quick(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(1):
        await client.get("/health/live")


async def test_a_hanging_dependency_is_down_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE", 0.02)
    asked, healed = 0, asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        asked += 1
        await healed.wait()

    hanging = Probes()
    assert [await hanging.answers("database", ask) for _ in range(3)] == [False, False, False]
    assert asked == 1
    healed.set()
    assert await hanging.answers("database", ask)


async def test_dependencies_are_asked_apart() -> None:
    async def answer() -> None: ...

    async def refuse() -> None:
        raise Unavailable

    both = Probes()
    assert await both.answers("redis", answer)
    assert not await both.answers("database", refuse)


async def test_a_process_serves_once_the_database_answers_and_holds_every_migration(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Exception | set[str]] = [Unavailable(), {"0002"}, set()]
    serving, seen = ServingState(), []

    async def missing_revisions(_engine: object) -> set[str]:
        seen.append(serving.serving)
        answer = found.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(state, "missing_revisions", missing_revisions)
    monkeypatch.setattr(state, "_RETRY_SECONDS", 0)

    async def warm_up() -> None:
        seen.append(serving.serving)

    await await_database(resources.database, serving, warm_up)
    assert seen == [False, False, False, False]
    assert serving.serving
