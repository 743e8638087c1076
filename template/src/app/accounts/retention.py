"""Remove what is over: ended sessions, void tokens, forgotten failures, and audit events past their time."""

from datetime import datetime, timedelta

import structlog

from app.accounts.audit import AuditRepository
from app.accounts.lockout import FORGOTTEN_AFTER, CountedLoginsRepository
from app.accounts.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.kit.queue import CronJob
from app.kit.resources import Resources

log = structlog.stdlib.get_logger(__name__)

# An ended session says for a week where its refresh token went.
ENDED_SESSIONS_STAY = timedelta(days=7)
# Small enough for the statement time-out, and so many an hour outlast any growth that the database survives.
_BATCH, _BATCHES = 5_000, 20


async def remove_old(resources: Resources) -> None:
    """One round: all but the audit events in one transaction, those in batches."""
    settings = accounts_of(resources).settings
    async with resources.database.unit_of_work() as work:
        accounts = AccountRepository(work.session)
        await accounts.remove_ended(ENDED_SESSIONS_STAY, timedelta(seconds=settings.session_seconds))
        await MailedTokens(work.session, accounts_of(resources).tokens).remove_expired()
        await CountedLoginsRepository(work.session).remove_older(FORGOTTEN_AFTER)
        now = await accounts.now()
    await _remove_events(resources, now - timedelta(days=settings.audit_retention_days))


async def _remove_events(resources: Resources, moment: datetime) -> None:
    removed = 0
    for _ in range(_BATCHES):
        async with resources.database.unit_of_work() as work:
            batch = await AuditRepository(work.session).remove_older(moment, _BATCH)
        removed += batch
        if batch < _BATCH:
            break
    if removed:
        log.info("audit events removed", events=removed, before=moment.isoformat())


# At 23 minutes past: away from the full hour, when everybody's jobs run.
retention = CronJob("accounts_retention", remove_old, minute=frozenset({23}))
