"""The queue. Only this module, `guarded_worker` and the worker itself know ARQ.

It writes ARQ's entries itself, in one round trip that requests share: a third of the CPU of `ArqRedis.enqueue_job`,
which is a tenth of a request that enqueues. `tests/kit/test_libraries.py` compares the two.

A job is the id of a task row. Its payload and its outcome are in PostgreSQL.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from arq.constants import (
    default_queue_name,
    expires_extra_ms,
    in_progress_key_prefix,
    job_key_prefix,
    result_key_prefix,
)
from arq.jobs import serialize_job as as_arq_writes
from arq.utils import timestamp_ms, to_unix_ms
from pydantic import BaseModel, JsonValue
from redis.asyncio import Redis

RUN_TASK = "run_task"
# Two queues, so that mail does not wait behind imports. Bulk tasks get at most half of a worker's places.
QUICK_QUEUE = default_queue_name
BULK_QUEUE = "arq:bulk"

# Does the same as ARQ's `enqueue_job`, which takes three round trips on a connection of its own.
_ENQUEUE = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('PSETEX', KEYS[1], ARGV[3], ARGV[4])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
return 1
"""

# A payload as a task's row stores it.
Payload = Mapping[str, JsonValue]
_Model = TypeVar("_Model", bound=BaseModel)


class NoPayload(BaseModel):
    """The payload of a task that needs none."""


@dataclass(frozen=True, slots=True)
class TaskKind(Generic[_Model]):
    """A kind of task and the type of its payload. `name` is in the rows of tasks: never change it.

    `bulk` tasks take long or are numerous: they get half of a worker's places, and other tasks come first.
    """

    name: str
    payload: type[_Model]
    bulk: bool = False

    def store(self, payload: _Model) -> dict[str, JsonValue]:
        """Return the payload as it is stored in a row. Raises ValidationError if a worker could not read it."""
        stored: dict[str, JsonValue] = payload.model_dump(mode="json")
        self.read(stored)
        return stored

    def read(self, stored: Payload) -> _Model:
        """The payload of a row. Raises ValidationError."""
        return self.payload.model_validate(stored)


class TaskContext(Protocol):
    """Context that a feature passes from a request to the tasks it requests, such as the id of a trace."""

    def inject(self) -> Mapping[str, str]:
        """Return the values to store with a task that the current request enqueues."""

    def extract(self, context: Mapping[str, str], kind: str) -> AbstractContextManager[object]:
        """In the worker, run one attempt at a task inside the stored context."""


@dataclass(frozen=True, slots=True)
class Due:
    """The next attempt at a task that no worker runs. A `suspect` was running when its last worker died."""

    task_id: UUID
    attempt: int
    kind: str
    suspect: bool


class Queue:
    """Hands task ids to the worker. Tasks of the `bulk` kinds have a queue of their own."""

    def __init__(self, redis: Redis, contexts: Sequence[TaskContext] = (), bulk: Collection[str] = ()) -> None:
        self._contexts = contexts
        self._bulk = frozenset(bulk)
        self._redis = redis
        self._enqueue = redis.register_script(_ENQUEUE)

    def context(self) -> dict[str, str]:
        """Return the values that features pass from the current request to the tasks it requests."""
        return {name: value for context in self._contexts for name, value in context.inject().items()}

    async def push(
        self,
        task_id: UUID,
        attempt: int,
        due: datetime | None = None,
        name: str | None = None,
        *,
        kind: str = "",
        suspect: bool = False,
    ) -> None:
        """Queue an attempt at a task, at a time or at once. The same name is queued only once."""
        name = name or _job_name(task_id, attempt)
        now = timestamp_ms()
        score = to_unix_ms(due) if due else now
        await self._enqueue(
            keys=[job_key_prefix + name, result_key_prefix + name, self._queue_of(kind)],
            args=[name, score, score - now + expires_extra_ms, _job(task_id, suspect, now)],
        )

    async def lost(self, attempts: Sequence[Due]) -> list[tuple[Due, str]]:
        """Return the attempts that are neither queued nor running, with a name for each, in one round trip.

        They are not in the queue, or a worker took them and died before they began. ARQ keeps the latter for its job
        time-out, under their old names.
        """
        if not attempts:
            return []
        names = [_job_name(attempt.task_id, attempt.attempt) for attempt in attempts]
        async with self._redis.pipeline(transaction=False) as pipe:
            for attempt, name in zip(attempts, names, strict=True):
                pipe.zscore(self._queue_of(attempt.kind), name)
            pipe.mget([in_progress_key_prefix + name for name in names])
            *scores, taken = await pipe.execute()
        minute = int(time.time()) // 60
        return [
            (attempt, f"{name}:{minute}" if dead else name)
            for attempt, name, score, dead in zip(attempts, names, scores, taken, strict=True)
            if score is None or dead
        ]

    def _queue_of(self, kind: str) -> str:
        return BULK_QUEUE if kind in self._bulk else QUICK_QUEUE


def _job_name(task_id: UUID, attempt: int) -> str:
    return f"{task_id}:{attempt}"


def _job(task_id: UUID, suspect: bool, milliseconds: int) -> bytes:
    arguments = (str(task_id), True) if suspect else (str(task_id),)
    return as_arq_writes(RUN_TASK, arguments, {}, None, milliseconds, serializer=serialize_job)


def serialize_job(job: dict[str, object]) -> bytes:
    """A job as JSON: with pickle, ARQ's default, anyone who can write to Redis could run code here."""
    return json.dumps(job, default=str).encode()


def deserialize_job(data: bytes) -> dict[str, object]:
    """Decode a job from JSON. Raises ValueError."""
    job: dict[str, object] = json.loads(data)
    return job
