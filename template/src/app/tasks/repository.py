"""Queries over tasks. The database's clock decides which tasks are due and which leases have expired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    bindparam,
    case,
    delete,
    extract,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.kit.database import Database
from app.kit.queue import Due
from app.tasks.models import SentMail, Task, TaskStatus

# Literals, as in the partial indexes: PostgreSQL would not use those with bound values.
_UNFINISHED = text("tasks.status IN ('queued', 'running')")
_DEAD = text("tasks.status = 'dead'")
# Excludes the payload, which may be large.
_SHOWN = ("id", "owner_id", "kind", "status", "attempts", "result", "problem", "created_at", "finished_at")
_COLUMNS = [Task.__table__.c[name] for name in _SHOWN]
# Built once, because callers poll a task until it is finished.
_READ = select(*_COLUMNS).where(Task.__table__.c.id == bindparam("id"))
_LOST = and_(Task.status == TaskStatus.RUNNING, Task.lease_until < func.now())

# Whether an owner's other tasks leave room for one more: by their number, and by the bytes of their stored payloads.
ROOM = """(
    SELECT count(*) FILTER (WHERE status IN ('queued', 'running')) < :most_tasks
        AND coalesce(sum(pg_column_size(payload)), 0) < :most_bytes
    FROM tasks WHERE owner_id = :room_of AND payload IS NOT NULL AND id <> :room_for
)"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The backlog: tasks that are due, the seconds that the oldest of them has waited, and dead letters."""

    due: int
    oldest: float
    dead: int


class TaskRepository:
    """Tasks of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @staticmethod
    async def read(database: Database, task_id: UUID) -> dict[str, Any] | None:
        """Return the public columns of a task, and its owner."""
        return next(iter(await database.read(_READ, {"id": task_id})), None)

    @staticmethod
    async def page(database: Database, owner_id: UUID, after: UUID | None, limit: int) -> list[dict[str, Any]]:
        """The public columns of an owner's tasks, newest first, older than `after`."""
        query = select(*_COLUMNS).where(Task.owner_id == owner_id).order_by(Task.id.desc()).limit(limit)
        if after is not None:
            query = query.where(Task.id < after)
        return await database.read(query)

    async def get(self, task_id: UUID) -> Task | None:
        """Return a task with all columns, including its payload."""
        return await self._session.get(Task, task_id, options=[undefer(Task.payload)])

    async def newest(self, status: TaskStatus | None, limit: int) -> Sequence[Task]:
        """Return the tasks of all users, of one status or of all, newest first."""
        query = select(Task).order_by(Task.id.desc()).limit(limit)
        if status is not None:
            query = query.where(Task.status == status)
        return (await self._session.execute(query)).scalars().all()

    async def take(self, task_id: UUID, lease: timedelta) -> Row[Any] | None:
        """Begin an attempt at a task and lease it. Return None if it is finished or another attempt holds it."""
        free = (
            select(Task.id)
            .where(Task.id == task_id, or_(Task.status == TaskStatus.QUEUED, _LOST))
            .with_for_update(skip_locked=True)
        )
        query = (
            update(Task)
            .where(Task.id == free.scalar_subquery())
            .values(
                status=TaskStatus.RUNNING,
                attempts=Task.attempts + 1,
                losses=case((_LOST, Task.losses + 1), else_=Task.losses),
                started_at=func.now(),
                lease_until=func.now() + lease,
            )
            .returning(
                Task.kind,
                Task.owner_id,
                Task.payload,
                Task.attempts,
                Task.attempt_limit,
                Task.losses,
                Task.language,
                Task.request_id,
                Task.context,
                (Task.deadline_at - func.now()).label("left"),
                (func.now() - Task.due_at).label("waited"),
            )
        )
        return (await self._session.execute(query)).one_or_none()

    async def hold(self, task_id: UUID, attempt: int, **values: object) -> bool:
        """Change a task on behalf of an attempt. Return False if the attempt no longer holds the task."""
        query = (
            update(Task)
            .where(Task.id == task_id, Task.status == TaskStatus.RUNNING, Task.attempts == attempt)
            .values(values)
            .returning(Task.id)
            .execution_options(synchronize_session=False)
        )
        return (await self._session.execute(query)).one_or_none() is not None

    async def stranded(self, age: timedelta, limit: int) -> Sequence[Due]:
        """Return the next attempts at tasks that were due `age` ago and that no worker runs."""
        query = (
            select(Task.id, Task.attempts + 1, Task.kind, or_(_LOST, Task.losses > 0))
            .where(
                _UNFINISHED,
                or_(and_(Task.status == TaskStatus.QUEUED, Task.due_at < func.now() - age), _LOST),
            )
            .order_by(Task.due_at)
            .limit(limit)
        )
        return [Due(*row) for row in await self._session.execute(query)]

    async def replay(self, condition: ColumnElement[bool], attempts: int) -> Sequence[Due]:
        """Queue dead tasks that still have their payload again, for more attempts. Return them."""
        query = (
            update(Task)
            .where(condition, Task.status.in_((TaskStatus.DEAD, TaskStatus.FAILED)), Task.payload.is_not(None))
            .values(
                status=TaskStatus.QUEUED,
                attempt_limit=Task.attempts + attempts,
                losses=0,
                due_at=func.now(),
                deadline_at=None,
                problem=None,
                finished_at=None,
            )
            .returning(Task.id, Task.attempts + 1, Task.kind, literal(value=False))
        )
        return [Due(*row) for row in await self._session.execute(query)]

    async def remove_finished(self, before: datetime, oldest: UUID, limit: int, *statuses: TaskStatus) -> int:
        """Remove tasks of some statuses that ended before a time, whose first id is `oldest`."""
        old = (
            select(Task.id)
            .where(Task.id < oldest, Task.finished_at < before, Task.status.in_(statuses))
            .order_by(Task.id)
            .limit(limit)
        )
        removed = await self._session.execute(delete(Task).where(Task.id.in_(old)).returning(Task.id))
        return len(removed.all())

    async def forget_payloads(self, age: timedelta, limit: int) -> int:
        """Delete the payloads of tasks that died before a time. They cannot be replayed afterwards."""
        old = select(Task.id).where(Task.payload.is_not(None), Task.finished_at < func.now() - age).limit(limit)
        query = update(Task).where(Task.id.in_(old)).values(payload=None).returning(Task.id)
        return len((await self._session.execute(query.execution_options(synchronize_session=False))).all())

    async def remove_unfinished(self, owner_id: UUID) -> None:
        """Remove an owner's tasks that wait or run. A running attempt then records nothing.

        Waits for an attempt that is about to commit, and removes the tasks that it asked for, too.
        """
        query = delete(Task).where(Task.owner_id == owner_id, _UNFINISHED).returning(Task.id)
        while (await self._session.execute(query.execution_options(synchronize_session=False))).all():
            pass

    async def remove_ownerless(self, kind: str = "", **named: str) -> None:
        """Delete unfinished or failed tasks, without an owner or of a kind, whose payload contains one of these values.

        A value is named by the member of the payload that has the keyword's name, such as `email`.
        """
        names = or_(*(Task.payload[member].astext == value for member, value in named.items()))
        query = delete(Task).where(Task.owner_id.is_(None), Task.payload.is_not(None), names)
        if kind:
            query = query.where(Task.kind == kind)
        await self._session.execute(query.execution_options(synchronize_session=False))

    async def backlog(self) -> Backlog:
        """Return the current backlog. Reads only the partial indexes."""
        waiting = and_(Task.status == TaskStatus.QUEUED, Task.due_at <= func.now())
        query = select(func.count(), extract("epoch", func.now() - func.min(Task.due_at))).select_from(Task)
        due, oldest = (await self._session.execute(query.where(_UNFINISHED, waiting))).one()
        dead = await self._session.scalar(select(func.count()).select_from(Task).where(_DEAD))
        return Backlog(int(due), float(oldest or 0), int(dead or 0))


class MailRepository:
    """Counted mails of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def admit(self, task_id: UUID, recipient: bytes, kind: str, most: int) -> bool:
        """Count a task's mail once, also if it is retried. Return False if there were `most` others within an hour."""
        # The lock makes concurrent requests count each other's mail. It is released with the transaction, which is
        # short.
        lock = func.pg_advisory_xact_lock(int.from_bytes(recipient[:8], "big", signed=True))
        await self._session.execute(select(lock))
        others = select(func.count()).where(
            SentMail.recipient == recipient,
            SentMail.kind == kind,
            SentMail.created_at > func.now() - timedelta(hours=1),
            SentMail.task_id != task_id,
        )
        if (await self._session.scalar(others) or 0) >= most:
            return False
        values = {"task_id": task_id, "recipient": recipient, "kind": kind}
        await self._session.execute(insert(SentMail).values(values).on_conflict_do_nothing())
        return True

    async def remove_old(self) -> None:
        """Remove the mails that no limit counts any more."""
        await self._session.execute(delete(SentMail).where(SentMail.created_at < func.now() - timedelta(hours=2)))


def finished(status: TaskStatus, result: Mapping[str, Any] | None, problem: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the column values of a finished task. The payload of a success is erased: it may contain private data."""
    values: dict[str, Any] = {"status": status, "result": result, "problem": problem, "finished_at": func.now()}
    return {**values, "payload": None} if status is TaskStatus.SUCCEEDED else values
