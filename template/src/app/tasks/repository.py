"""Queries over tasks."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.tasks.models import Task, TaskStatus

_UNFINISHED = (TaskStatus.QUEUED, TaskStatus.RUNNING)


class TaskRepository:
    """Tasks of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, task: Task) -> None:
        """Write a new task with the unit of work."""
        self._session.add(task)

    async def get(self, task_id: UUID) -> Task | None:
        """A task by its id."""
        return await self._session.get(Task, task_id)

    async def lock_unfinished(self, task_id: UUID) -> Task | None:
        """An unfinished task, locked to the end of the transaction.

        None when it is finished, or when another worker holds it: a worker that died holds nothing.
        """
        query = select(Task).where(Task.id == task_id, Task.status.in_(_UNFINISHED)).with_for_update(skip_locked=True)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def lock_stranded(self, age: timedelta, limit: int) -> Sequence[Task]:
        """Unfinished tasks that were due `age` ago and that no worker holds, locked."""
        overdue = func.now() - age
        query = (
            select(Task)
            .where(
                Task.status.in_(_UNFINISHED),
                Task.due_at < overdue,
                or_(Task.started_at.is_(None), Task.started_at < overdue),
            )
            .order_by(Task.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.execute(query)).scalars().all()
