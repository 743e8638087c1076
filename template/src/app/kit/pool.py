"""A pool of database connections whose waiters are served in their order.

A job of the worker may hold a connection for minutes. Jobs therefore get all but one of the pool's connections, and
wait for theirs without a time limit of the pool's: each job has its own. The last connection stays for short use, such
as taking tasks, extending leases and recording outcomes, so that none of these waits for a job.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only

from app.kit.lock_order import Held, Rank, about_to_wait

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


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's own lets a newcomer overtake whoever waits: under load a few would wait until their time-out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = asyncio.Semaphore(self.size())
        self._job_turns = asyncio.Semaphore(job_connections(self.size()))
        self._jobs: set[ConnectionPoolEntry] = set()
        self._holders: dict[ConnectionPoolEntry, Held] = {}

    def _do_get(self) -> ConnectionPoolEntry:
        held = about_to_wait(Rank.CONNECTION)
        in_job = _in_job.get()
        if in_job:
            await_only(self._job_turns.acquire())
        try:
            record = self._take()
        except BaseException:
            if in_job:
                self._job_turns.release()
            raise
        if in_job:
            self._jobs.add(record)
        if held is not None:
            held.take(Rank.CONNECTION)
            self._holders[record] = held
        return record

    def _take(self) -> ConnectionPoolEntry:
        await_only(self._turn())
        try:
            return super()._do_get()
        except BaseException:
            self._turns.release()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if held := self._holders.pop(record, None):
            held.give_back(Rank.CONNECTION)
        super()._do_return_conn(record)
        self._turns.release()
        if record in self._jobs:
            self._jobs.remove(record)
            self._job_turns.release()

    async def _turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(self.timeout()):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError(f"no connection of {self.size()} was free within {self.timeout()} s") from None
