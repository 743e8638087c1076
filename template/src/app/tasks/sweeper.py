"""Queue again what Redis lost: after a failover, a flush, a dead worker, or a commit that it did not hear of."""

from datetime import timedelta

import structlog

from app.kit.queue import CronJob
from app.kit.resources import Resources
from app.tasks.repository import TaskRepository

log = structlog.stdlib.get_logger(__name__)

# A healthy queue starts a due job within a second; a task this much overdue was lost or waits behind a backlog,
# and queueing the latter twice does nothing.
STRANDED_AFTER = timedelta(seconds=30)
_BATCH = 500


async def sweep(resources: Resources) -> None:
    """Push the id of every stranded task, at most 500 a run."""
    async with resources.database.unit_of_work() as work:
        for task in await TaskRepository(work.session).lock_stranded(STRANDED_AFTER, _BATCH):
            log.info("stranded task queued again", task_id=str(task.id), kind=task.kind)
            await resources.queue.push(task.id, task.attempts + 1)


sweeper = CronJob("sweep_tasks", sweep, second=frozenset({0, 15, 30, 45}))
