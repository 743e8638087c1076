"""Retention: which rows are kept, and for how long."""

from datetime import UTC, datetime, timedelta

import structlog

from app.composition import CronJob, Resources
from app.kit.ids import first_id
from app.tasks.models import TaskStatus
from app.tasks.repository import MailRepository, TaskRepository
from app.tasks.settings import TasksSettings

log = structlog.stdlib.get_logger(__name__)

# One transaction per batch: a long transaction would hold back PostgreSQL's vacuum.
_BATCH = 1_000
# Smaller batches for rows whose payload may be large.
_FEW = 100


async def remove_old_tasks(resources: Resources) -> None:
    """Delete finished tasks after TASK_RETENTION_DAYS, dead tasks after DEAD_TASK_RETENTION_DAYS, and payloads."""
    settings = resources.section(TasksSettings)
    total = await _remove(resources, settings.task_retention_days, TaskStatus.SUCCEEDED, TaskStatus.FAILED)
    total += await _remove(resources, settings.dead_task_retention_days, TaskStatus.DEAD)
    forgotten = _FEW
    while forgotten == _FEW:
        async with resources.database.unit_of_work() as work:
            age = timedelta(days=settings.task_payload_days)
            forgotten = await TaskRepository(work.session).forget_payloads(age, _FEW)
    async with resources.database.unit_of_work() as work:
        await MailRepository(work.session).remove_old()
    log.info("old tasks removed", count=total)


async def _remove(resources: Resources, days: int, *statuses: TaskStatus) -> int:
    before = datetime.now(UTC) - timedelta(days=days)
    removed, total = _BATCH, 0
    while removed == _BATCH:
        async with resources.database.unit_of_work() as work:
            repository = TaskRepository(work.session)
            removed = await repository.remove_finished(before, first_id(before), _BATCH, *statuses)
        total += removed
    return total


old_tasks = CronJob("remove_old_tasks", remove_old_tasks, minute=frozenset({17}))
