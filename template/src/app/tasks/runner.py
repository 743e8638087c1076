"""One attempt at a task, so that its effect happens once, whatever becomes of the worker.

The attempt is announced in a transaction of its own. The work and the record of its success share the next one:
a worker that dies leaves neither. The row's lock says that a worker lives, because its connection dies with it.
"""

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.kit import metrics
from app.kit.context import new_request_id, request_context
from app.kit.i18n import N_
from app.kit.problems import Problem
from app.kit.queue import TaskRun
from app.kit.resources import Resources
from app.tasks.models import Task, TaskStatus
from app.tasks.repository import TaskRepository

log = structlog.stdlib.get_logger(__name__)

MAX_ATTEMPTS = 5


class TaskGaveUp(Problem):
    """Every attempt at the task failed."""

    slug = "task-gave-up"
    title = N_("The task failed")
    detail = N_("The task failed %(attempts)s times and was given up.")


class UnknownKind(Problem):
    """No feature handles tasks of this kind."""

    slug = "task-unknown"
    title = N_("The task failed")
    detail = N_("No part of the service knows this kind of task.")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What the attempt needs of the row, read before its own transaction."""

    id: UUID
    kind: str
    number: int
    language: str
    request_id: str


async def run_task(resources: Resources, task_id: UUID) -> None:
    """Make one attempt at a task. Does nothing when it is finished, or when another worker is at it."""
    attempt = await _announce(resources, task_id)
    if attempt is None:
        return
    with request_context(attempt.request_id, attempt.language, task_id=str(task_id), kind=attempt.kind):
        started = time.perf_counter()
        try:
            async with asyncio.timeout(resources.settings.job_timeout):
                await _perform(resources, attempt)
        except Problem as problem:
            await _fail(resources, attempt, problem)
        except asyncio.CancelledError:
            # The worker is going away: another one repeats the attempt.
            await asyncio.shield(_postpone(resources, attempt, timedelta()))
            raise
        except Exception:
            log.exception("task attempt failed", attempt=attempt.number)
            await _retry(resources, attempt)
        finally:
            metrics.TASK_SECONDS.labels(attempt.kind).observe(time.perf_counter() - started)


def back_off(attempt: int) -> timedelta:
    """The pause after a failed attempt, counted from 1: 2, 4, 8, 16 s, half to one and a half times as long."""
    return timedelta(seconds=2**attempt * random.uniform(0.5, 1.5))  # noqa: S311  spreads load, guards nothing


async def _announce(resources: Resources, task_id: UUID) -> _Attempt | None:
    async with resources.database.unit_of_work() as work:
        task = await TaskRepository(work.session).lock_unfinished(task_id)
        if task is None:
            return None
        task.status = TaskStatus.RUNNING
        task.attempts += 1
        task.started_at = datetime.now(UTC)
        return _Attempt(task.id, task.kind, task.attempts, task.language, task.request_id or new_request_id())


async def _perform(resources: Resources, attempt: _Attempt) -> None:
    handler = resources.task_handlers.get(attempt.kind)
    if handler is None:
        raise UnknownKind
    async with resources.database.unit_of_work() as work:
        task = await _own(TaskRepository(work.session), attempt)
        if task is None:
            return
        run = TaskRun(work, resources, task.id, task.owner_id, attempt.language, attempt.number)
        result = await handler(run, task.payload)
        _finish(task, TaskStatus.SUCCEEDED)
        task.result = dict(result) if result is not None else None
    metrics.TASKS_SUCCEEDED.labels(attempt.kind).inc()
    log.info("task succeeded", attempt=attempt.number)


async def _own(tasks: TaskRepository, attempt: _Attempt) -> Task | None:
    task = await tasks.lock_unfinished(attempt.id)
    # Another attempt may have begun between the announcement and this lock: it has the task now.
    return task if task is not None and task.attempts == attempt.number else None


async def _fail(resources: Resources, attempt: _Attempt, problem: Problem) -> None:
    async with resources.database.unit_of_work() as work:
        task = await _own(TaskRepository(work.session), attempt)
        if task is None:
            return
        _finish(task, TaskStatus.FAILED)
        task.problem = problem.document(attempt.language)
    metrics.TASKS_FAILED.labels(attempt.kind).inc()
    log.warning("task failed", problem=problem.slug, attempt=attempt.number)


async def _retry(resources: Resources, attempt: _Attempt) -> None:
    if attempt.number >= MAX_ATTEMPTS:
        metrics.TASKS_DEAD.labels(attempt.kind).inc()
        await _fail(resources, attempt, TaskGaveUp(attempts=attempt.number))
        return
    metrics.TASKS_RETRIED.labels(attempt.kind).inc()
    await _postpone(resources, attempt, back_off(attempt.number))


async def _postpone(resources: Resources, attempt: _Attempt, pause: timedelta) -> None:
    async with resources.database.unit_of_work() as work:
        task = await _own(TaskRepository(work.session), attempt)
        if task is None:
            return
        task.status = TaskStatus.QUEUED
        task.due_at = due = datetime.now(UTC) + pause
        work.after_commit(lambda: resources.queue.push(attempt.id, attempt.number + 1, due))


def _finish(task: Task, status: TaskStatus) -> None:
    task.status = status
    task.finished_at = datetime.now(UTC)
