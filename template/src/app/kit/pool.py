"""A pool of database connections whose waiters are served in their order."""

import asyncio
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only

from app.kit.lock_order import Held, Rank, about_to_wait


class FairPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's own lets a newcomer overtake whoever waits: under load a few would wait until their time-out."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = asyncio.Semaphore(self.size())
        self._holders: dict[ConnectionPoolEntry, Held] = {}

    def _do_get(self) -> ConnectionPoolEntry:
        held = about_to_wait(Rank.CONNECTION)
        await_only(self._turn())
        try:
            record = super()._do_get()
        except BaseException:
            self._turns.release()
            raise
        if held is not None:
            held.take(Rank.CONNECTION)
            self._holders[record] = held
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if held := self._holders.pop(record, None):
            held.give_back(Rank.CONNECTION)
        super()._do_return_conn(record)
        self._turns.release()

    async def _turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(self.timeout()):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeoutError(f"no connection of {self.size()} was free within {self.timeout()} s") from None
