"""HTTP of tasks."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.dependencies import ResourcesDep
from app.kit.identity import CurrentUser
from app.kit.paging import Cursor, Page, PageSize
from app.kit.ratelimit import Limit, limited_by_user
from app.kit.responses import json_response
from app.tasks.schemas import TaskRead
from app.tasks.service import list_tasks, visible_task

router = APIRouter(prefix="/v1/tasks", tags=["tasks"], dependencies=[limited_by_user(Limit("tasks", 600, 60))])


@router.get("", response_model=Page[TaskRead])
async def read_tasks(
    user: CurrentUser, resources: ResourcesDep, cursor: Cursor = None, limit: PageSize = 20
) -> Response:
    """The user's own tasks, newest first."""
    return json_response(await list_tasks(resources.database, user, cursor, limit))


@router.get("/{task_id:uuid}", response_model=TaskRead)
async def read_task(task_id: UUID, user: CurrentUser, resources: ResourcesDep) -> Response:
    """Return a task and its outcome. Only its owner and administrators can see it; others get 404."""
    return json_response(await visible_task(resources, user, task_id))
