"""One attempt at a task, whose effect happens once even if the worker dies.

The first transaction leases the task to the attempt under a number. The second one contains the work and its success,
and commits only if the attempt still holds the task. A worker that dies therefore leaves no trace of the work, and a
worker that was paused beyond its lease commits nothing.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.exc import DBAPIError

from app.composition import Resources, TaskHandler, TaskRun
from app.kit.context import new_request_id, request_context
from app.kit.database import is_outage
from app.kit.mail import MailError, MailRefused
from app.kit.pool import connections_of_a_job
from app.kit.problems import Problem, Unavailable
from app.kit.queue import Payload
from app.kit.redis import OUTAGES
from app.tasks import metrics
from app.tasks.lease import leased
from app.tasks.models import TaskStatus
from app.tasks.problems import TaskExpired, TaskGaveUp, TaskLost, UnknownKind
from app.tasks.repository import TaskRepository, finished
from app.tasks.settings import TasksSettings

log = structlog.stdlib.get_logger(__name__)

# The longest pause between two attempts, seconds.
LONGEST_PAUSE = 600
# A task whose worker died twice while running it is given up, because it may be the cause. The second time, it ran
# separately from other suspects (see the worker), so none of them is given up in its place.
MOST_LOSSES = 2


class SupersededError(Exception):
    """Another attempt holds the task, so the work of this one must be rolled back."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The columns that an attempt needs.

    `left` is the time until the task's deadline, `label` its kind in metrics.
    """

    id: UUID
    kind: str
    label: str
    owner_id: UUID | None
    payload: Payload
    number: int
    limit: int
    losses: int
    language: str
    request_id: str
    context: Mapping[str, str]
    left: timedelta | None


async def run_task(resources: Resources, task_id: UUID) -> None:
    """Make one attempt at a task. Do nothing if it is finished or another worker runs it."""
    attempt = await _take(resources, task_id)
    if attempt is None:
        return
    with _surroundings(resources, attempt):
        if attempt.losses >= MOST_LOSSES:
            await _give_up(resources, attempt, TaskLost(losses=attempt.losses))
        elif attempt.number > attempt.limit:
            # The last worker died while it ran the task, and recorded no outcome.
            await _give_up(resources, attempt, TaskGaveUp(attempts=attempt.number - 1))
        elif attempt.left is not None and attempt.left <= timedelta():
            await _give_up(resources, attempt, TaskExpired())
        else:
            await _try(resources, attempt)


def back_off(attempt: int) -> timedelta:
    """The pause after a failed attempt, counted from 1: 2, 4, 8 s and so on, half to one and a half times as long."""
    seconds = min(2.0**attempt, LONGEST_PAUSE)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.5))  # noqa: S311  spreads load, guards nothing


async def _take(resources: Resources, task_id: UUID) -> _Attempt | None:
    settings = resources.section(TasksSettings)
    async with resources.database.unit_of_work() as work:
        row = await TaskRepository(work.session).take(task_id, timedelta(seconds=settings.task_lease))
    if row is None:
        return None
    label = metrics.kind_label(row.kind, resources.task_handlers)
    metrics.TASKS_STARTED.labels(label).inc()
    # Never below zero: the clocks of worker and database may differ by more than the wait.
    metrics.TASKS_WAIT_SECONDS.labels(label).inc(max(0.0, row.waited.total_seconds()))
    return _Attempt(
        id=task_id,
        kind=row.kind,
        label=label,
        owner_id=row.owner_id,
        payload=row.payload,
        number=row.attempts,
        limit=row.attempt_limit or settings.task_attempts,
        losses=row.losses,
        language=row.language,
        request_id=row.request_id or new_request_id(),
        context=row.context,
        left=row.left,
    )


@contextmanager
def _surroundings(resources: Resources, attempt: _Attempt) -> Iterator[None]:
    """The context of the request that enqueued the task, also in log lines, and the values that features passed on."""
    fields = {"task_id": str(attempt.id), "kind": attempt.kind}
    if attempt.owner_id:
        fields["user_id"] = str(attempt.owner_id)
    with ExitStack() as stack:
        stack.enter_context(request_context(attempt.request_id, attempt.language, **fields))
        for context in resources.task_contexts:
            stack.enter_context(context.extract(attempt.context, attempt.kind))
        yield


async def _try(resources: Resources, attempt: _Attempt) -> None:
    started = time.perf_counter()
    try:
        await _perform(resources, attempt)
    except SupersededError:
        log.warning("attempt came too late: another one has the task", attempt=attempt.number)
    except asyncio.CancelledError:
        # The worker is stopping, so another one repeats the attempt.
        await asyncio.shield(_postpone(resources, attempt, timedelta()))
        raise
    except Exception as error:
        await _fail(resources, attempt, error)
    finally:
        seconds = time.perf_counter() - started
        metrics.TASK_SECONDS.labels(attempt.label).observe(seconds)
        metrics.TASKS_RUN_SECONDS.labels(attempt.label).inc(seconds)


async def _perform(resources: Resources, attempt: _Attempt) -> None:
    handler = resources.task_handlers.get(attempt.kind)
    if handler is None:
        raise UnknownKind
    lease = timedelta(seconds=resources.section(TasksSettings).task_lease)
    holding = leased(resources.database, attempt.id, attempt.number, lease, _seconds(resources, attempt))
    # A background task that starts here extends the lease, on a connection that the pool does not give to jobs.
    async with holding:
        await _handle(resources, attempt, handler)
    metrics.TASKS_SUCCEEDED.labels(attempt.label).inc()
    log.info("task succeeded", attempt=attempt.number)


async def _handle(resources: Resources, attempt: _Attempt, handler: TaskHandler[Any]) -> None:
    with connections_of_a_job():
        async with resources.database.unit_of_work() as work:
            run = TaskRun(work, resources, attempt.id, attempt.owner_id, attempt.language, attempt.number)
            result = await handler.run(run, attempt.payload)
            values = finished(TaskStatus.SUCCEEDED, dict(result) if result is not None else None, None)
            if not await TaskRepository(work.session).hold(attempt.id, attempt.number, **values):
                raise SupersededError


def _seconds(resources: Resources, attempt: _Attempt) -> float:
    longest = float(resources.settings.job_timeout)
    return longest if attempt.left is None else min(longest, attempt.left.total_seconds())


async def _fail(resources: Resources, attempt: _Attempt, error: Exception) -> None:
    """Record a failure: refuse the task for good (a rule of the service), give it up, or schedule a retry."""
    if isinstance(error, Problem) and not isinstance(error, Unavailable):
        if await _finish(resources, attempt, TaskStatus.FAILED, error):
            metrics.TASKS_FAILED.labels(attempt.label).inc()
            log.warning("task failed", problem=error.slug, attempt=attempt.number, **_reason(error))
        return
    if _is_passing(error):
        log.warning("task attempt failed", attempt=attempt.number, error=type(error).__name__, reason=str(error)[:500])
    else:
        log.error("task attempt failed", attempt=attempt.number, exc_info=error)
    lasting = isinstance(error, MailError) and error.lasting
    if lasting or attempt.number >= attempt.limit:
        await _give_up(resources, attempt, _last_problem(error, attempt))
    elif await _postpone(resources, attempt, back_off(attempt.number)):
        metrics.TASKS_RETRIED.labels(attempt.label).inc()


def _is_passing(error: Exception) -> bool:
    """Return whether a server did not answer or time ran out: a traceback would add nothing."""
    return isinstance(error, (Unavailable, MailError, TimeoutError, *OUTAGES)) or (
        isinstance(error, DBAPIError) and is_outage(error)
    )


def _last_problem(error: Exception, attempt: _Attempt) -> Problem:
    """Return the problem that a dead task shows. Reasons of mail errors are public; others may hold private data."""
    return MailRefused(str(error)) if isinstance(error, MailError) else TaskGaveUp(attempts=attempt.number)


def _reason(problem: Problem) -> dict[str, str]:
    return {"reason": str(problem)} if isinstance(problem, MailRefused) else {}


async def _give_up(resources: Resources, attempt: _Attempt, problem: Problem) -> None:
    if await _finish(resources, attempt, TaskStatus.DEAD, problem):
        metrics.TASKS_FAILED.labels(attempt.label).inc()
        metrics.TASKS_DEAD.labels(attempt.label).inc()
        log.error("task is dead", problem=problem.slug, attempt=attempt.number, **_reason(problem))


async def _finish(resources: Resources, attempt: _Attempt, status: TaskStatus, problem: Problem) -> bool:
    return await _record(resources, attempt, finished(status, None, problem.document(attempt.language)))


async def _postpone(resources: Resources, attempt: _Attempt, pause: timedelta) -> bool:
    values = {"status": TaskStatus.QUEUED, "due_at": func.now() + pause, "lease_until": None}
    if not await _record(resources, attempt, values):
        return False
    try:
        due = datetime.now(UTC) + pause
        suspect = attempt.losses > 0
        await resources.queue.push(attempt.id, attempt.number + 1, due, kind=attempt.kind, suspect=suspect)
    except OUTAGES as error:
        log.warning("attempt not queued: it waits for the sweeper", error=type(error).__name__)
    return True


async def _record(resources: Resources, attempt: _Attempt, values: dict[str, Any]) -> bool:
    """Record the outcome of an attempt, unless another attempt holds the task now."""
    async with resources.database.unit_of_work() as work:
        return await TaskRepository(work.session).hold(attempt.id, attempt.number, **values)
