"""Fixtures that all tests share: real services, a database for each test process, a clean slate for each test.

A feature's tests may have fixtures of their own in `fixtures.py`, such as those that sign users in.
"""

import asyncio
import contextlib
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy.engine import make_url

from app.composition import Resources, discover
from app.dev.databases import ensure_database
from app.dev.services import ServicesError, running_services
from app.kit.database import Model
from app.kit.logs import configure_logging
from app.kit.queue import BULK_QUEUE, QUICK_QUEUE
from app.kit.ratelimit import Limit, RateLimiter, declared_limits
from app.main import create_app
from app.migrations.runner import upgrade
from app.settings import Settings
from app.worker import make_worker

ROOT = Path(__file__).parents[1]

pytest_plugins = [f"tests.{file.parent.name}.fixtures" for file in sorted(Path(__file__).parent.glob("*/fixtures.py"))]

_services = contextlib.ExitStack()

# httpx tries to import sniffio twice per request, to detect Trio. Skipping that saves a tenth of a request's time.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # as `import` documents it


def pytest_configure(config: pytest.Config) -> None:
    """Start the services once; xdist's workers inherit their addresses. DATABASE_URL and REDIS_URL, if set, win."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    addresses = _services.enter_context(_any_free_services())
    os.environ["ENVIRONMENT"] = "test"
    os.environ["TEST_DATABASE_SERVER"] = addresses[0]
    os.environ["TEST_REDIS_SERVER"] = addresses[1]


def pytest_unconfigure() -> None:
    """Stop the services."""
    _services.close()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect the tests in fuzz/ with `-m fuzz` alone: they need a dependency group of their own."""
    asked: str = config.option.markexpr
    fuzz = collection_path.parent.name == "fuzz" and collection_path.name.startswith("test_")
    return True if fuzz and "fuzz" not in asked.split() else None


@contextlib.contextmanager
def _any_free_services() -> Iterator[tuple[str, str]]:
    # Concurrent test runs use different directories. Each is kept, because creating one takes seconds.
    for number in range(1, 9):
        with contextlib.ExitStack() as stack:
            try:
                addresses = stack.enter_context(
                    running_services(
                        ROOT / ".dev" / f"tests-{number}",
                        "postgres",
                        durable=False,
                        database_url=os.environ.get("DATABASE_URL"),
                        redis_url=os.environ.get("REDIS_URL"),
                    )
                )
            except ServicesError as error:
                if "another process" in str(error):
                    continue
                raise pytest.UsageError(str(error)) from error
            yield addresses.database_url, addresses.redis_url
            return


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """One event loop for all tests of a process, of the kind that production has."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Return settings for this process's own migrated database and Redis database."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    server = make_url(os.environ["TEST_DATABASE_SERVER"])
    database = f"test_{worker}"
    asyncio.run(ensure_database(server.render_as_string(hide_password=False), database, fresh=True))
    os.environ["DATABASE_URL"] = server.set(database=database).render_as_string(hide_password=False)
    number = 1 + (int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0)
    os.environ["REDIS_URL"] = f"{os.environ['TEST_REDIS_SERVER'].rpartition('/')[0]}/{number}"
    settings = Settings.load()
    upgrade(settings)
    return settings


@contextlib.asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[FastAPI]:
    """Run the application inside the block, which starts once the application is ready."""
    application = create_app(settings)
    async with application.router.lifespan_context(application):
        async with asyncio.timeout(30):
            while not application.state.serving.started:  # noqa: ASYNC110  set by a task that offers no event
                await asyncio.sleep(0.01)
        yield application


def open_limiter(redis: Redis) -> RateLimiter:
    """Create a limiter that never refuses, for tests that send hundreds of requests."""
    return RateLimiter(redis, {name: Limit(name, 1_000_000, 60) for name in declared_limits()})


@pytest.fixture(scope="session")
async def application(settings: Settings, anyio_backend: object) -> AsyncIterator[FastAPI]:
    """The application, started."""
    async with started(settings) as application:
        yield application


@pytest.fixture
async def resources(application: FastAPI) -> Resources:
    """Return the application's resources, with an empty database and an empty Redis."""
    resources: Resources = application.state.resources
    # TRUNCATE takes 25 ms of CPU, because it creates new files for each table and index; DELETE takes 3 ms. In the
    # replica role no triggers fire: the audit log's would refuse, and foreign keys would require an order. Only
    # superusers may set it.
    deletions = [f"DELETE FROM {table.name}" for table in Model.metadata.sorted_tables]  # noqa: S608  own names
    async with resources.database.engine.begin() as connection:
        raw = await connection.get_raw_connection()
        statements = "; ".join(["SET LOCAL session_replication_role = replica", *deletions])
        await raw.driver_connection.execute(statements)  # type: ignore[union-attr]  # asyncpg's, which is there
    await resources.redis.flushdb()
    return resources


@pytest.fixture
async def client(application: FastAPI, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that is not signed in and prefers English."""
    base_url, headers = f"http://test{resources.settings.route_prefix}", {"Accept-Language": "en"}
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
        yield client


@pytest.fixture
def open_limits(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off rate limits, for tests that send hundreds of requests."""
    monkeypatch.setattr(resources, "limiter", open_limiter(resources.redis))


RunQueue = Callable[[], Awaitable[None]]


@pytest.fixture
def run_queue(resources: Resources) -> RunQueue:
    """Run the worker until the queues are empty, without its cron jobs."""

    async def run() -> None:
        # A task in one queue may enqueue a task in the other.
        for queue in (QUICK_QUEUE, BULK_QUEUE, QUICK_QUEUE):
            await make_worker(resources, (), queue=queue, burst=True, poll=0.01).async_run()

    return run


@pytest.fixture(scope="session", autouse=True)
def _features_are_sound() -> None:
    discover()


@pytest.fixture(scope="session", autouse=True)
def _logs_are_captured(settings: Settings) -> None:
    """Send logs through the standard library, where `caplog` finds them, regardless of the order of tests."""
    configure_logging(settings.environment, settings.log_level, service=settings.service, release=settings.release)
