"""HTTP of tasks."""

from uuid import UUID

from fastapi import APIRouter

from app.kit.database import UnitOfWorkDep
from app.kit.identity import CurrentUser
from app.kit.ratelimit import Limit, limited_by_user
from app.tasks.schemas import TaskRead
from app.tasks.service import visible_task

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.get("/{task_id}", dependencies=[limited_by_user(Limit("tasks", 600, 60))])
async def read_task(task_id: UUID, user: CurrentUser, work: UnitOfWorkDep) -> TaskRead:
    """A task and what became of it."""
    return TaskRead.model_validate(await visible_task(work, user, task_id))
