"""Retention: events stay for AUDIT_RETENTION_DAYS."""

from datetime import timedelta

import structlog

from app.audit.repository import AuditRepository
from app.audit.settings import AuditSettings
from app.composition import CronJob, Resources

log = structlog.stdlib.get_logger(__name__)

# Small enough for the statement time-out, and large enough to keep up with the growth of the log.
_BATCH, _BATCHES = 5_000, 20


async def remove_old_events(resources: Resources) -> None:
    """Delete expired events in batches, at most 100,000 an hour."""
    age = timedelta(days=resources.section(AuditSettings).audit_retention_days)
    removed = 0
    for _ in range(_BATCHES):
        async with resources.database.unit_of_work() as work:
            batch = await AuditRepository(work.session).remove_older(age, _BATCH)
        removed += batch
        if batch < _BATCH:
            break
    if removed:
        log.info("audit events removed", events=removed, days=age.days)


# At 29 minutes past: away from the full hour, when everybody's jobs run.
old_events = CronJob("remove_old_events", remove_old_events, minute=frozenset({29}))
