"""The cost of public APIs of libraries beside the ways that the service takes, or took: CPU of this process per call.

Run in a rendered project, with its own Python, on a quiet machine: `.venv/bin/python …/benchmarks/libraries.py`. It starts
PostgreSQL and Valkey in a temporary folder. The ways of a case take turns, eleven rounds; figures are the medians.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from app.dev.services import running_services
from app.kit.database import Database
from app.kit.queue import Queue
from app.kit.redis import connect
from app.settings import Settings
from arq.connections import ArqRedis
from pydantic import BaseModel
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import greenlet_spawn

ROUNDS = 11
Way = Callable[[int], Awaitable[None]]


class Row(BaseModel):
    """As large as a product."""

    id: str
    name: str
    price_minor: int
    price: Decimal


class Page(BaseModel):
    """A page of a list."""

    items: list[Row]


async def measure(case: str, calls: int, ways: dict[str, Way]) -> None:
    """Print the microseconds of CPU per call of each way, and its ratio to the first."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            before = time.process_time()
            await way(calls)
            if number:  # the first round warms up
                taken[name].append((time.process_time() - before) / calls * 1e6)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    first = next(iter(medians.values()))
    for name, median in medians.items():
        sys.stdout.write(f"{case:<16}{name:<52}{median:9.1f} µs {median / first:6.2f}\n")


async def answers() -> None:
    """A model as the bytes of an answer."""
    row = Row(id=str(uuid4()), name="Tea", price_minor=250, price=Decimal("2.50"))
    page = Page(items=[row.model_copy() for _ in range(100)])

    def way(write: Callable[[BaseModel], bytes], model: BaseModel) -> Way:
        async def repeat(calls: int) -> None:
            for _ in range(calls):
                write(model)

        return repeat

    for case, model, calls in (("answer, a row", row, 20_000), ("answer, 100", page, 500)):
        ways: dict[str, Callable[[BaseModel], bytes]] = {
            "model_dump_json().encode()": lambda model: model.model_dump_json().encode(),
            "__pydantic_serializer__.to_json()": lambda model: model.__pydantic_serializer__.to_json(model),
        }
        await measure(case, calls, {name: way(write, model) for name, write in ways.items()})


async def writes(engine: AsyncEngine) -> None:
    """One row in its own transaction, past the session."""
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    statement = text("INSERT INTO rows VALUES (:n)")

    def write() -> None:
        with autocommit.sync_engine.connect() as connection:
            connection.execute(statement, {"n": 1})

    async def session(calls: int) -> None:
        for _ in range(calls):
            await AsyncSession().run_sync(lambda _: write())

    async def spawned(calls: int) -> None:
        for _ in range(calls):
            await greenlet_spawn(write)

    async def connected(calls: int) -> None:
        for _ in range(calls):
            async with autocommit.connect() as connection:
                await connection.execute(statement, {"n": 1})

    await measure("write", 400, {"AsyncSession.run_sync": session, "greenlet_spawn": spawned, "AsyncEngine.connect": connected})


async def pools(plain: AsyncEngine, fair: AsyncEngine) -> None:
    """Checkout and return: the service's pool adds order to SQLAlchemy's."""

    def way(engine: AsyncEngine) -> Way:
        async def repeat(calls: int) -> None:
            for _ in range(calls):
                async with engine.connect():
                    pass

        return repeat

    await measure("checkout", 400, {"AsyncAdaptedQueuePool": way(plain), "FairPool": way(fair)})


async def enqueues(url: str) -> None:
    """A job in ARQ's queue. Sixteen at once, as requests do: the service's client sends calls of one moment together."""
    arq, redis = ArqRedis.from_url(url), connect(url)
    queue = Queue(redis)

    async def own(calls: int) -> None:
        for _ in range(calls // 16):
            await asyncio.gather(*(queue.push(uuid4(), 1) for _ in range(16)))

    async def arqs(calls: int) -> None:
        for _ in range(calls // 16):
            await asyncio.gather(*(arq.enqueue_job("run_task", str(uuid4()), _job_id=uuid4().hex) for _ in range(16)))

    await measure("enqueue", 320, {"ArqRedis.enqueue_job": arqs, "app.kit.queue": own})
    for client in (arq, redis):
        await _close(client)


async def _close(client: Redis) -> None:
    await client.flushdb()
    await client.aclose()


async def main(database_url: str, redis_url: str) -> None:
    """Measure all cases."""
    os.environ.update({"DATABASE_URL": database_url, "REDIS_URL": redis_url, "ENVIRONMENT": "test"})
    database = Database(Settings.load())
    url = database_url.replace("postgresql://", "postgresql+asyncpg://")
    plain = create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=5, max_overflow=0)
    async with plain.begin() as connection:
        await connection.execute(text("CREATE TABLE rows (n int)"))
    await answers()
    await writes(database.engine)
    await pools(plain, database.engine)
    await plain.dispose()
    await database.close()
    await enqueues(redis_url)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        running_services(Path(folder) / "servers", "benchmark", durable=False) as addresses,
    ):
        asyncio.run(main(addresses.database_url, addresses.redis_url))
