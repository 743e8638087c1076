"""Health: what the load balancer, the kubelet and an alarm see."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.composition import Resources
from app.health.state import ServingState
from app.kit import redis as kit_redis
from app.kit.database import Database
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
def state(application: FastAPI) -> ServingState:
    state: ServingState = application.state.serving
    return state


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
    client: httpx.AsyncClient, state: ServingState, monkeypatch: pytest.MonkeyPatch, field: str, word: str
) -> None:
    monkeypatch.setattr(state, field, not getattr(state, field))
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
