"""A pool of database connections that serves waiting callers in the order of their arrival.

A job of the worker may hold a connection for minutes. Jobs therefore get all but one of the pool's connections. The
pool sets no time limit for their wait, because each job has its own. The last connection stays for short use, such as
taking tasks, extending leases and recording outcomes, so that none of these waits for a job.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prometheus_client import Counter, Gauge
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.event import listen
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only

from app.kit.lock_order import Rank, about_to_wait

DATABASE_POOL_WAITING = Gauge("database_pool_waiting", "Requests and jobs that wait for a connection of the pool")
DATABASE_POOL_WAITS = Counter("database_pool_waits", "Connections that were not free at once")
DATABASE_POOL_WAIT_SECONDS = Counter("database_pool_wait_seconds", "Seconds waited for connections of the pool")
DATABASE_POOL_TIMEOUTS = Counter("database_pool_timeouts", "Waits for a connection that were given up")

_TURN = "turn"
_in_job: ContextVar[bool] = ContextVar("in_job", default=False)


def job_connections(size: int) -> int:
    """How many connections of a pool jobs may hold at once."""
    return max(1, size - 1)


@contextmanager
def connections_of_a_job() -> Iterator[None]:
    """Count connections that are taken within the block as a job's."""
    token = _in_job.set(True)
    try:
        yield
    finally:
        _in_job.reset(token)


class _Turn:
    """A reservation of one connection, from the start of the wait until its release."""

    def __init__(self, pool: "FairPool") -> None:
        self._held = about_to_wait(Rank.CONNECTION)
        self._semaphores = (pool.job_turns, pool.turns) if _in_job.get() else (pool.turns,)
        self._taken: list[asyncio.Semaphore] = []
        self._pool = pool

    async def wait(self) -> None:
        """Wait for a connection, in the order of arrival. Raises SQLAlchemy's TimeoutError."""
        for semaphore in self._semaphores:
            await self._acquire(semaphore)
            self._taken.append(semaphore)
        if self._held is not None:
            self._held.take(Rank.CONNECTION)

    def release(self) -> None:
        """Hand the freed connection to the next waiting caller."""
        if self._held is not None and len(self._taken) == len(self._semaphores):
            self._held.give_back(Rank.CONNECTION)
        while self._taken:
            self._taken.pop().release()

    async def _acquire(self, semaphore: asyncio.Semaphore) -> None:
        if not semaphore.locked():
            await semaphore.acquire()
            return
        started = time.perf_counter()
        DATABASE_POOL_WAITS.inc()
        with DATABASE_POOL_WAITING.track_inprogress():
            try:
                await self._wait(semaphore)
            finally:
                DATABASE_POOL_WAIT_SECONDS.inc(time.perf_counter() - started)

    async def _wait(self, semaphore: asyncio.Semaphore) -> None:
        # The pool sets no time limit for jobs, because a job has its own.
        if semaphore is self._pool.job_turns:
            await semaphore.acquire()
            return
        seconds = self._pool.timeout()
        try:
            async with asyncio.timeout(seconds):
                await semaphore.acquire()
        except TimeoutError:
            DATABASE_POOL_TIMEOUTS.inc()
            size = self._pool.size()
            raise PoolTimeoutError(f"no connection of {size} was free within {seconds} s") from None


class FairPool(AsyncAdaptedQueuePool):
    """Serves waiting callers in order. In SQLAlchemy's pool newcomers overtake them, and a few time out under load.

    It costs 9 µs of CPU a connection. `connect` and the events are documented; `await_only` is not, and has no public
    replacement before a connection is there: `tests/kit/test_libraries.py` fails when it changes.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.turns = asyncio.Semaphore(self.size())
        self.job_turns = asyncio.Semaphore(job_connections(self.size()))
        for end in ("checkin", "detach"):
            listen(self, end, _release)

    def connect(self) -> PoolProxiedConnection:
        """Wait for a reservation, and take a connection. Returning the connection releases the reservation."""
        turn = _Turn(self)
        try:
            await_only(turn.wait())
            connection = super().connect()
        except BaseException:
            turn.release()
            raise
        if connection.record_info is None:
            # A connection that has left the pool is never returned to it.
            turn.release()
        else:
            connection.record_info[_TURN] = turn
        return connection


def _release(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    """Release the reservation. A connection that failed while it was being taken has none yet."""
    if record.record_info and (turn := record.record_info.pop(_TURN, None)):
        turn.release()
