"""Queue tasks again that Redis lost: after a failover, a flush, a dead worker, or a commit without its enqueue."""

from datetime import timedelta

import structlog

from app.composition import CronJob, Resources
from app.kit.redis import OUTAGES, report
from app.tasks.repository import TaskRepository

log = structlog.stdlib.get_logger(__name__)

# A task is pushed within milliseconds of its commit, and starts within milliseconds of leaving the queue. If either
# takes longer than this, the task was lost.
STRANDED_AFTER = timedelta(seconds=5)
_BATCH = 500


async def sweep(resources: Resources) -> None:
    """Push the id of every task that is due and not in the queue, at most 500 a run."""
    async with resources.database.unit_of_work() as work:
        stranded = await TaskRepository(work.session).stranded(STRANDED_AFTER, _BATCH)
    try:
        for due, name in await resources.queue.lost(stranded):
            await resources.queue.push(due.task_id, due.attempt, name=name, kind=due.kind, suspect=due.suspect)
            log.info("stranded task queued again", task_id=str(due.task_id), attempt=due.attempt)
    except OUTAGES as error:
        report("sweep ended early", error)


sweeper = CronJob("sweep_tasks", sweep, second=frozenset(range(0, 60, 5)))
