"""The lease of an attempt on its task, which is extended while the worker is alive.

A worker that is stopped, disconnected or dead does not renew the lease, so another worker takes the task.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError

from app.kit.database import Database
from app.kit.problems import Unavailable
from app.tasks.repository import TaskRepository

log = structlog.stdlib.get_logger(__name__)

# A lease outlives two renewals that fail.
RENEWALS = 3


@asynccontextmanager
async def leased(
    database: Database, task_id: UUID, attempt: int, lease: timedelta, seconds: float
) -> AsyncIterator[None]:
    """Extend an attempt's lease inside the block. Raises TimeoutError when time is up or the lease is lost."""
    async with asyncio.timeout(seconds) as limit:
        renewing = asyncio.create_task(_renew(database, task_id, attempt, lease, limit))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)


async def _renew(database: Database, task_id: UUID, attempt: int, lease: timedelta, limit: asyncio.Timeout) -> None:
    while True:
        await asyncio.sleep(lease.total_seconds() / RENEWALS)
        try:
            async with database.unit_of_work() as work:
                held = await TaskRepository(work.session).hold(task_id, attempt, lease_until=func.now() + lease)
        except (Unavailable, SQLAlchemyError, TimeoutError) as error:
            log.warning("lease not renewed", error=type(error).__name__)
            continue
        if not held:
            log.warning("lease lost: another attempt has the task", attempt=attempt)
            limit.reschedule(asyncio.get_running_loop().time())
            return
