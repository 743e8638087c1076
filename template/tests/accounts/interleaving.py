"""Interleave two requests: the first stops before a given statement, and the second runs meanwhile.

The order does not depend on time: the second runs until it ends, or PostgreSQL reports that it waits for a lock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import asyncpg
from sqlalchemy import event
from sqlalchemy.util import await_only

from app.kit.database import Database

_Result = TypeVar("_Result")
Request = Callable[[], Awaitable[_Result]]

_gate: ContextVar["Gate | None"] = ContextVar("gate", default=None)
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Gate:
    """Stops a request before its n-th statement. Commits count as statements."""

    def __init__(self, stop_before: int) -> None:
        self._left = stop_before
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    def pass_by(self) -> None:
        """Wait if this is the statement to stop at. SQLAlchemy calls this in its greenlet, before each statement."""
        self._left -= 1
        if self._left == 0:
            self.reached.set()
            await_only(self.open.wait())


@contextmanager
def gated(database: Database) -> Iterator[None]:
    """Have requests in this block stop at their gates."""

    def stop(*_call: object) -> None:
        if gate := _gate.get():
            gate.pass_by()

    engine = database.engine.sync_engine
    for name in ("before_cursor_execute", "commit"):
        event.listen(engine, name, stop)
    try:
        yield
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(engine, name, stop)


@contextmanager
def before_commits(database: Database, look: Callable[[], Awaitable[object]]) -> Iterator[None]:
    """Inspect each transaction in this block before it commits."""

    def stop(*_call: object) -> None:
        await_only(look())

    event.listen(database.engine.sync_engine, "commit", stop)
    try:
        yield
    finally:
        event.remove(database.engine.sync_engine, "commit", stop)


async def interleave(
    watcher: asyncpg.Connection, first: Request[_Result], second: Request[_Result], stop_before: int
) -> tuple[_Result, _Result, bool]:
    """Run the first request up to its n-th statement, then the second request, then the rest of the first.

    Return both results, and whether the first request stopped at all: it may have fewer statements.
    """
    gate = Gate(stop_before)
    running = asyncio.create_task(_behind(gate, first))
    reached = asyncio.create_task(gate.reached.wait())
    await asyncio.wait({running, reached}, return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    stopped = gate.reached.is_set()
    other = asyncio.create_task(_behind(None, second))
    # The pause limits the number of queries to PostgreSQL, which cost more than the requests.
    while not other.done() and not await watcher.fetchval(_WAITING):
        await asyncio.wait({other}, timeout=0.005)
    gate.open.set()
    return await running, await other, stopped


async def _behind(gate: Gate | None, request: Request[_Result]) -> _Result:
    _gate.set(gate)
    return await request()
