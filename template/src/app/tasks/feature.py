"""Tasks as a feature of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.composition import Feature, Resources, TaskHandler
from app.kit.personal_data import UserRows
from app.tasks import metrics
from app.tasks.mail import SEND_MAIL, send_mail
from app.tasks.models import Task
from app.tasks.retention import old_tasks
from app.tasks.routes import router
from app.tasks.settings import TasksSettings
from app.tasks.sweeper import sweeper


@asynccontextmanager
async def lifespan(resources: Resources) -> AsyncIterator[None]:
    """Show the counters of every kind of task from the start."""
    metrics.declare_kinds(resources.task_handlers)
    yield


# Columns about the execution of a task are not personal data.
_INTERNALS = frozenset({"attempt_limit", "context", "due_at", "lease_until", "losses", "started_at"})

feature = Feature(
    name="tasks",
    router=router,
    settings=TasksSettings,
    task_handlers=(TaskHandler(SEND_MAIL, send_mail),),
    cron=(sweeper, old_tasks),
    lifespan=lifespan,
    # Small batches: a payload may be a file of a megabyte, and four exports at once took 105 MiB with ten.
    personal_data=(UserRows(Task, lambda user_id: Task.owner_id == user_id, _INTERNALS, batch=2),),
)
