"""Retention: a response is kept for IDEMPOTENCY_HOURS."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete, select

from app.composition import CronJob, Resources
from app.idempotency.models import StoredAnswer
from app.idempotency.settings import IdempotencySettings

log = structlog.stdlib.get_logger(__name__)

# One transaction per batch: a long transaction would hold back PostgreSQL's vacuum.
_BATCH = 1_000


async def forget_answers(resources: Resources) -> None:
    """Delete responses that are older than IDEMPOTENCY_HOURS."""
    before = datetime.now(UTC) - timedelta(hours=resources.section(IdempotencySettings).idempotency_hours)
    removed, total = _BATCH, 0
    while removed == _BATCH:
        async with resources.database.unit_of_work() as work:
            old = select(StoredAnswer.digest).where(StoredAnswer.created_at < before).limit(_BATCH)
            query = delete(StoredAnswer).where(StoredAnswer.digest.in_(old)).returning(StoredAnswer.digest)
            removed = len((await work.session.execute(query)).all())
        total += removed
    log.info("old answers removed", count=total)


old_answers = CronJob("forget_answers", forget_answers, minute=frozenset({37}))
