"""The rules of tasks: written with the request's transaction, queued after its commit, seen by their owner."""

from uuid import UUID

from app.kit import metrics
from app.kit.context import current_language, current_request_id
from app.kit.database import UnitOfWork
from app.kit.identity import ADMINISTRATOR, Principal
from app.kit.ids import new_id
from app.kit.problems import NotFound
from app.kit.queue import Payload, Queue
from app.tasks.models import Task
from app.tasks.repository import TaskRepository


def request_task(
    work: UnitOfWork,
    queue: Queue,
    kind: str,
    payload: Payload,
    *,
    owner_id: UUID | None = None,
    language: str | None = None,
) -> UUID:
    """Write a task with the unit of work and return its id.

    After the commit its id goes to the queue; were that to fail, the sweeper queues it later. A unit that rolls
    back leaves no task. The language is the caller's, unless the task speaks to somebody else.
    """
    task = Task(
        id=new_id(),
        kind=kind,
        payload=dict(payload),
        owner_id=owner_id,
        language=language or current_language(),
        request_id=current_request_id(),
    )
    TaskRepository(work.session).add(task)

    async def push() -> None:
        metrics.TASKS_QUEUED.labels(kind).inc()
        await queue.push(task.id, attempt=1)

    work.after_commit(push)
    return task.id


async def visible_task(work: UnitOfWork, user: Principal, task_id: UUID) -> Task:
    """A task of the user, or any task for an administrator. Raises NotFound."""
    task = await TaskRepository(work.session).get(task_id)
    if task is None or (task.owner_id != user.user_id and ADMINISTRATOR not in user.roles):
        raise NotFound
    return task
