"""The backlog of tasks. Every worker exports it as gauges, so a scrape of any worker shows it."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.composition import Resources
from app.kit.problems import Unavailable
from app.tasks import metrics
from app.tasks.repository import TaskRepository

log = structlog.stdlib.get_logger(__name__)

# Half the interval at which metrics are usually scraped, seconds.
INTERVAL = 15


async def measure(resources: Resources) -> None:
    """Set the gauges once. They keep their values when PostgreSQL does not answer."""
    try:
        async with resources.database.unit_of_work() as work:
            backlog = await TaskRepository(work.session).backlog()
    except (Unavailable, SQLAlchemyError, TimeoutError) as error:
        log.warning("backlog not measured", error=type(error).__name__)
        return
    metrics.TASKS_DUE.set(backlog.due)
    metrics.TASKS_DUE_SECONDS.set(backlog.oldest)
    metrics.TASKS_DEAD_LETTERS.set(backlog.dead)


async def keep_measuring(resources: Resources) -> None:
    """Set the gauges every 15 s, until cancelled."""
    while True:
        await measure(resources)
        await asyncio.sleep(INTERVAL)
