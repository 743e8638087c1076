"""The queue: the only module that knows ARQ, beside the worker that runs it.

A job is the id of a task row. What the job is to do, and what became of it, stands in PostgreSQL.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from arq.connections import ArqRedis
from pydantic import JsonValue
from redis.asyncio import Redis

if TYPE_CHECKING:
    from app.kit.database import UnitOfWork
    from app.kit.resources import Resources

RUN_TASK = "run_task"

Payload = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One attempt at a task: its unit of work, which also records the success, and what it needs to know.

    `attempt` counts from 1. `language` is that of the request which asked for the task.
    """

    work: "UnitOfWork"
    resources: "Resources"
    task_id: UUID
    owner_id: UUID | None
    language: str
    attempt: int


# Does the work of one kind of task and returns its result. A Problem that it raises fails the task for good;
# any other exception has it tried again.
TaskHandler = Callable[[TaskRun, Payload], Awaitable[Payload | None]]


@dataclass(frozen=True, slots=True)
class CronJob:
    """A function that one worker of all runs, at these seconds of every minute, or of the minutes given."""

    name: str
    run: "Callable[[Resources], Awaitable[None]]"
    second: frozenset[int] = frozenset({0})
    minute: frozenset[int] | None = None


class Queue:
    """Hands task ids to the worker."""

    def __init__(self, redis: Redis) -> None:
        self._arq = ArqRedis(
            connection_pool=redis.connection_pool, job_serializer=serialize_job, job_deserializer=deserialize_job
        )

    async def push(self, task_id: UUID, attempt: int, due: datetime | None = None) -> None:
        """Queue an attempt at a task, at a time or at once. Twice the same attempt is queued once."""
        await self._arq.enqueue_job(RUN_TASK, str(task_id), _job_id=f"{task_id}:{attempt}", _defer_until=due)


def serialize_job(job: dict[str, object]) -> bytes:
    """A job as JSON: ARQ's own pickle would let whoever writes to Redis run code here."""
    return json.dumps(job, default=str).encode()


def deserialize_job(data: bytes) -> dict[str, object]:
    """The job of its JSON. Raises ValueError."""
    job: dict[str, object] = json.loads(data)
    return job
