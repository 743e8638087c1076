"""The public form of tasks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.kit.problems import ProblemDocument
from app.tasks.models import TaskStatus


class TaskRead(BaseModel):
    """A task and what became of it: a result when it succeeded, a problem when it failed or was given up (`dead`)."""

    id: UUID
    kind: str
    status: TaskStatus
    attempts: int
    result: dict[str, Any] | None
    problem: ProblemDocument | None
    created_at: datetime
    finished_at: datetime | None


class TaskAccepted(BaseModel):
    """The answer to a request that became a task. `Location` says where to ask for it."""

    task_id: UUID
