"""The rules of tasks: written with the request's transaction, queued after its commit, seen by their owner."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel
from sqlalchemy import ColumnElement

from app.composition import Resources
from app.kit.context import current_language, current_request_id
from app.kit.database import Database, Guard, UnitOfWork
from app.kit.identity import ADMINISTRATOR, Principal
from app.kit.ids import new_id
from app.kit.paging import Page, split
from app.kit.problems import NotFound
from app.kit.queue import Due, Queue, TaskKind
from app.kit.redis import OUTAGES, report
from app.tasks import metrics
from app.tasks.models import Task
from app.tasks.problems import TooMuchQueued
from app.tasks.repository import ROOM, TaskRepository
from app.tasks.schemas import TaskRead
from app.tasks.settings import TasksSettings

log = structlog.stdlib.get_logger(__name__)

TaskPage = Page[TaskRead]

_Model = TypeVar("_Model", bound=BaseModel)


def request_task(
    work: UnitOfWork,
    queue: Queue,
    kind: TaskKind[_Model],
    payload: _Model,
    *,
    owner_id: UUID | None = None,
    language: str | None = None,
    within: timedelta | None = None,
    quota: TasksSettings | None = None,
) -> UUID:
    """Write a task with the unit of work and return its id.

    After the commit its id is queued; if that fails, the sweeper queues it later. A unit that rolls back leaves no
    task. The language is the caller's unless another one is given, for example for another recipient. A task that
    is not done `within` a time is given up; without one, it is tried TASK_ATTEMPTS times.

    Pass a `quota` if users choose the number or size of such tasks: the commit raises TooMuchQueued if the owner's
    other tasks reach it. Concurrent requests do not count each other's tasks; the rate limit bounds the excess.
    """
    task = Task(
        id=new_id(),
        kind=kind.name,
        payload=kind.store(payload),
        owner_id=owner_id,
        language=language or current_language(),
        request_id=current_request_id(),
        context=queue.context(),
        deadline_at=datetime.now(UTC) + within if within is not None else None,
    )
    work.add(task, _room(quota, task) if quota else None)

    async def push() -> None:
        metrics.TASKS_QUEUED.labels(kind.name).inc()
        await _push(queue, Due(task.id, 1, kind.name, suspect=False))

    work.after_commit(push)
    return task.id


async def visible_task(resources: Resources, user: Principal, task_id: UUID) -> TaskRead:
    """A task of the user, or any task for an administrator. Raises NotFound."""
    task = await TaskRepository.read(resources.database, task_id)
    if task is None:
        raise NotFound
    if task["owner_id"] != user.user_id and not (
        ADMINISTRATOR in user.roles and await resources.authenticator.administers(user)
    ):
        raise NotFound
    return TaskRead.model_validate(task)


async def list_tasks(database: Database, user: Principal, cursor: UUID | None, size: int) -> TaskPage:
    """A page of the user's own tasks, newest first."""
    rows = await TaskRepository.page(database, user.user_id, cursor, size + 1)
    shown, last = split(rows, size)
    return TaskPage.model_validate({"items": shown, "next_cursor": last["id"] if last else None})


async def replay(resources: Resources, condition: ColumnElement[bool]) -> Sequence[UUID]:
    """Retry tasks that were given up, up to TASK_ATTEMPTS more times. Return the ids of the matching tasks."""
    async with resources.database.unit_of_work() as work:
        attempts = resources.section(TasksSettings).task_attempts
        replayed = await TaskRepository(work.session).replay(condition, attempts)
    for due in replayed:
        log.info("task replayed", task_id=str(due.task_id))
        await _push(resources.queue, due)
    return [due.task_id for due in replayed]


def _room(quota: TasksSettings, task: Task) -> Guard:
    limits = {"most_tasks": quota.tasks_per_user, "most_bytes": quota.task_bytes_per_user}
    return Guard(ROOM, {"room_of": task.owner_id, "room_for": task.id, **limits}, TooMuchQueued)


async def _push(queue: Queue, due: Due) -> None:
    try:
        await queue.push(due.task_id, due.attempt, kind=due.kind)
    except OUTAGES as error:
        report("task waits for the sweeper", error, task_id=str(due.task_id))
