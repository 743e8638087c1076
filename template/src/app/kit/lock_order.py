"""The order in which a request or job takes limited resources, so that no two can deadlock.

A task may wait for a resource only while it holds none of the same or a later rank:

1. `HASHING`: a password-hashing slot (`accounts.passwords`, two a process).
2. `FILL`: the right to fill one key of the cache (`kit.cache`, a key in Redis that expires after 2 s).
3. `CONNECTION`: a connection of the pool (`kit.pool`, DATABASE_POOL_SIZE a process). One at a time: every request
   finishes with a pool of one. A job first waits for its turn among the jobs, which hold all connections but one.
4. Locks in PostgreSQL, which end with the transaction: the advisory lock of an Idempotency-Key first, which is never
   waited for; then rows, in the order users (by id), sessions, refresh_tokens, mailed_tokens, login_attempts, tasks. A
   row lock that only guards a decision is `FOR NO KEY UPDATE`, so that rows which refer to it can still be written.
5. A connection to Redis (`kit.redis`): held for one round trip, during which nothing else is waited for.

Ranks 1 to 3 are checked in every request and job, on a developer's machine and in tests. PostgreSQL itself ends a
deadlock of rank 4, and rank 5 cannot take part in one. A worker's place for a job (`worker.Places`) comes before all
ranks. The lease of a job is extended in a separate task with the connection that the pool keeps from jobs.
"""

import asyncio
from contextvars import ContextVar, Token
from enum import IntEnum


class Rank(IntEnum):
    """Resources that are limited in a process, in the order in which they are taken."""

    HASHING = 1
    FILL = 2
    CONNECTION = 3


class LockOrderError(AssertionError):
    """A task waits for a resource while it holds a later one in the order: under load, that is a deadlock."""


class Held:
    """The resources that one task of a request or job holds."""

    def __init__(self) -> None:
        self._task = _task()
        self._ranks: list[Rank] = []

    def is_current(self) -> bool:
        """Return whether the current task holds these resources."""
        return self._task is _task()

    def check(self, rank: Rank) -> None:
        """Raise LockOrderError where waiting for a resource could be a deadlock."""
        if self._ranks and max(self._ranks) >= rank:
            names = ", ".join(one.name for one in self._ranks)
            raise LockOrderError(f"waits for {rank.name} while holding {names}: see app.kit.lock_order")

    def take(self, rank: Rank) -> None:
        """Record that the task holds a resource."""
        self._ranks.append(rank)

    def give_back(self, rank: Rank) -> None:
        """Record that a resource was released, by any task."""
        if rank in self._ranks:
            self._ranks.remove(rank)


def _task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # There is no event loop: the caller is a script, not a request or job.
        return None


_held: ContextVar[Held | None] = ContextVar("held", default=None)
_checking = False


def check_order(on: bool) -> None:
    """Switch the check on or off for requests and jobs that begin later. Production leaves it off to save CPU."""
    global _checking  # one switch for the process, set at its start
    _checking = on


def begin() -> Token[Held | None]:
    """Begin a request or job, which holds nothing. Pass the result to `end`."""
    return _held.set(Held() if _checking else None)


def end(begun: Token[Held | None]) -> None:
    """End a request or job."""
    _held.reset(begun)


def about_to_wait(rank: Rank) -> Held | None:
    """Return what the current task holds before it waits for a resource; None if nothing is checked.

    Raises LockOrderError. Call `take` on the result once the task has the resource, and `give_back` when it returns it.
    """
    held = _held.get()
    if held is None:
        return None
    if not held.is_current():
        # A task that a request or job started has resources of its own.
        held = Held()
        _held.set(held)
    held.check(rank)
    return held
