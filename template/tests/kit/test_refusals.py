"""A Redis that refuses commands is an outage: callers are served, health is unaffected, and the worker continues."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from fastapi import FastAPI

from app.composition import Feature, Resources, discover
from app.kit import redis as kit_redis
from app.kit.cache import Cache
from app.kit.ids import new_id
from app.kit.queue import Queue
from app.kit.ratelimit import Limit, RateLimiter
from app.kit.redis import OUTAGES
from app.settings import Settings
from app.tasks.models import TaskStatus
from app.tasks.service import request_task
from tests.conftest import started
from tests.kit.refusals import STATES, RefusingServer, refusing_server
from tests.tasks.fixtures import Kinds, Word, handler, kind, stored
from tests.test_worker import process

# A failover, a change of rights and a start. The worker handles all other states in the same way.
ALWAYS = {"READONLY", "NOPERM", "LOADING"}
WORKER_STATES = [pytest.param(state, marks=() if state in ALWAYS else pytest.mark.exhaustive) for state in STATES]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingServer]:
    with refusing_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
async def application(settings: Settings, server: RefusingServer) -> AsyncIterator[FastAPI]:
    """The application, with the refusing server as its Redis."""
    async with started(settings.model_copy(update={"redis_url": server.address})) as application:
        yield application


@pytest.fixture(autouse=True)
async def _whole(application: FastAPI) -> None:
    await whole(application)


async def whole(application: FastAPI) -> None:
    """Wait for the breaker, which a refusal of the connection itself opens."""
    async with asyncio.timeout(30):
        while True:
            with suppress(*OUTAGES):
                await kit_redis.check_writable(application.state.resources.redis)
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("state", STATES)
async def test_each_part_goes_on_without_what_redis_refuses(server: RefusingServer, state: str) -> None:
    redis = kit_redis.connect(server.address)

    async def fill() -> bytes:
        return b"filled"

    async def ask_all() -> None:
        limiter, cache, queue = RateLimiter(redis), Cache(redis), Queue(redis)
        verdict = await limiter.take(Limit("test", 5, 60), "ann")
        cached = await cache.get_or_fill(f"refusals-{state}", fill)
        await cache.invalidate(f"refusals-{state}")
        assert (verdict, cached.value, cached.hit) == (None, b"filled", False)
        with pytest.raises(OUTAGES):
            await queue.push(new_id(), 1)
        with pytest.raises(OUTAGES):
            await kit_redis.check_writable(redis)

    await redis.ping()
    with server.refusing(state):
        await ask_all()
    await redis.aclose()


@pytest.mark.parametrize("state", STATES)
async def test_health_keeps_the_pod_and_tells_of_redis(
    client: httpx.AsyncClient, server: RefusingServer, state: str
) -> None:
    with server.refusing(state):
        health = await client.get("/health/")
        ready = await client.get("/health/ready")
        dependencies = await client.get("/health/dependencies")
    assert (health.status_code, ready.status_code, dependencies.status_code) == (200, 200, 503)
    assert health.json()["components"] == {"database": "up", "redis": "down"}


async def test_a_probe_that_fails_in_an_unforeseen_way_is_a_part_that_is_down(
    client: httpx.AsyncClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks() -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(application.state.resources.database, "ping", breaks)
    health = await client.get("/health/")
    assert (health.status_code, health.json()["components"]["database"]) == (200, "down")


async def test_a_refusal_that_no_part_expected_is_503(application: FastAPI, client: httpx.AsyncClient) -> None:
    resources: Resources = application.state.resources

    @application.get("/refused")
    async def refused() -> None:
        await resources.redis.set("text", "x")
        await resources.redis.lpush("text", "x")  # type: ignore[misc]  # redis-py: awaitable or not

    answer = await client.get("http://test/refused")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:unavailable")


# If the rights end between WATCH and UNWATCH, redis-py does not return that connection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("state", WORKER_STATES)
async def test_the_worker_lives_on_and_works_once_redis_accepts_again(
    application: FastAPI,
    resources: Resources,
    server: RefusingServer,
    kinds: Kinds,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    monkeypatch.setattr("app.worker.RECONNECT_PAUSE", 0.1)
    features = (*discover(), Feature(name="kinds", task_handlers=[handler("works", kinds.works)]))
    refused = asyncio.Event()
    monkeypatch.setattr("app.worker.report", lambda *_arguments: refused.set())
    with server.refusing(state):
        running = process(resources.settings, features)
        await running.__aenter__()
        async with asyncio.timeout(30):
            await refused.wait()
    await whole(application)
    async with resources.database.unit_of_work() as work:
        task_id = request_task(work, resources.queue, kind("works"), Word())
    async with asyncio.timeout(60):
        while (await stored(resources, task_id)).status != TaskStatus.SUCCEEDED:  # noqa: ASYNC110  a row tells nobody
            await asyncio.sleep(0.05)
    await running.__aexit__(None, None, None)


@asynccontextmanager
async def forwarder(targets: list[int]) -> AsyncIterator[str]:
    """A host name whose address moves: connections go to the last of the ports."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", targets[-1])
        await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"


async def test_after_a_failover_no_connection_stays_with_the_old_primary(
    server: RefusingServer, settings: Settings
) -> None:
    old, new = (int(url.rpartition(":")[2].partition("/")[0]) for url in (server.address, settings.redis_address()))
    targets = [old]
    async with forwarder(targets) as url:
        redis = kit_redis.connect(url)
        await redis.set("failover", "old")
        with server.refusing("READONLY"):
            targets.append(new)
            # The first call fails and detects the failover. Later calls go to the new primary.
            with pytest.raises(OUTAGES):
                await redis.set("failover", "new")
            assert await redis.set("failover", "new")
        await redis.aclose()
