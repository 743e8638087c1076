"""What is kept, and for how long."""

from datetime import UTC, datetime, timedelta

import structlog

from app.kit.ids import first_id
from app.kit.queue import CronJob
from app.kit.resources import Resources
from app.tasks.repository import MailRepository, TaskRepository
from app.tasks.settings import TasksSettings

log = structlog.stdlib.get_logger(__name__)

# A transaction each: a long one would hold back PostgreSQL's own cleaning.
_BATCH = 1_000


async def remove_old_tasks(resources: Resources) -> None:
    """Remove what finished TASK_RETENTION_DAYS ago. Dead letters stay until somebody has looked at them."""
    before = datetime.now(UTC) - timedelta(days=resources.section(TasksSettings).task_retention_days)
    removed, total = _BATCH, 0
    while removed == _BATCH:
        async with resources.database.unit_of_work() as work:
            removed = await TaskRepository(work.session).remove_finished(before, first_id(before), _BATCH)
        total += removed
    async with resources.database.unit_of_work() as work:
        await MailRepository(work.session).remove_old()
    log.info("old tasks removed", count=total)


old_tasks = CronJob("remove_old_tasks", remove_old_tasks, minute=frozenset({17}))
