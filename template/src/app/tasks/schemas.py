"""The public form of tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.kit.problems import ProblemDocument
from app.tasks.models import TaskStatus


class TaskRead(BaseModel):
    """A task with its outcome: a result if it succeeded, a problem if it failed or was given up (`dead`)."""

    id: UUID
    kind: str
    status: TaskStatus
    attempts: int
    result: dict[str, Any] | None
    problem: ProblemDocument | None
    created_at: datetime
    finished_at: datetime | None


class TaskAccepted(BaseModel):
    """The response to a request that became a task. `Location` is the task's URL."""

    task_id: UUID
