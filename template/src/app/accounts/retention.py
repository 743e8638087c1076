"""Delete ended sessions, invalid tokens and old login failures."""

from datetime import timedelta

from app.accounts.login.lockout import FORGOTTEN_AFTER, LoginAttemptsRepository
from app.accounts.personal_data.service import erase_late_rows
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.composition import CronJob, Resources

# Ended sessions are kept for a week, to show where their refresh tokens were used.
ENDED_SESSIONS_STAY = timedelta(days=7)


async def remove_old(resources: Resources) -> None:
    """Delete expired rows of accounts, and rows that were written about users after their deletion."""
    await erase_late_rows(resources)
    settings = accounts_of(resources).settings
    async with resources.database.unit_of_work() as work:
        accounts = AccountRepository(work.session)
        await accounts.remove_ended(ENDED_SESSIONS_STAY, timedelta(seconds=settings.session_seconds))
        await MailedTokens(work.session, accounts_of(resources).tokens).remove_expired()
        await LoginAttemptsRepository(work.session).remove_older(FORGOTTEN_AFTER)


# At 23 minutes past: away from the full hour, when everybody's jobs run.
retention = CronJob("accounts_retention", remove_old, minute=frozenset({23}))
