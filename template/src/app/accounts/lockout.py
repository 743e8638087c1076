"""Waits after failed logins: they double, hold for any name alike, and stand in PostgreSQL, with or without Redis."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import CountedLogins
from app.accounts.problems import LoginLocked
from app.accounts.settings import AccountsSettings
from app.accounts.tokens import Tokens

# Failures that are a day old no longer count.
FORGOTTEN_AFTER = timedelta(days=1)


class CountedLoginsRepository:
    """Counted logins, through one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, digest: bytes) -> CountedLogins:
        """The row of a name, made when not there, and locked: logins at once are counted one after the other."""
        # One statement: between two, a login that succeeds could remove the row.
        made = insert(CountedLogins).values(digest=digest, failures=0)
        locked = made.on_conflict_do_update(index_elements=["digest"], set_={"failures": CountedLogins.failures})
        query = select(CountedLogins).from_statement(locked.returning(CountedLogins))
        counted: CountedLogins = (await self._session.execute(query)).scalar_one()
        return counted

    async def clear(self, digest: bytes) -> None:
        """Forget the failures of a name."""
        await self._session.execute(delete(CountedLogins).where(CountedLogins.digest == digest))

    async def remove_older(self, moment: datetime) -> None:
        """Forget what last failed before a moment."""
        await self._session.execute(delete(CountedLogins).where(CountedLogins.last_at < moment))


@dataclass(frozen=True, slots=True)
class Lockout:
    """The rule. A name is an address as it was given, whether a user has it or not, or another thing to guess at."""

    settings: AccountsSettings
    tokens: Tokens

    async def admit(self, session: AsyncSession, name: str) -> None:
        """Count an attempt as failed before it is made, so that none made at once slips by. Raises LoginLocked.

        Commit before the password is checked, and `clear` when it was right.
        """
        counted = await CountedLoginsRepository(session).lock(self._digest(name))
        now = datetime.now(UTC)
        if counted.locked_until and counted.locked_until > now:
            raise LoginLocked(counted.locked_until - now)
        counted.failures = 1 if counted.last_at < now - FORGOTTEN_AFTER else counted.failures + 1
        counted.last_at = now
        wait = self.wait(counted.failures)
        counted.locked_until = now + wait if wait else None

    async def clear(self, session: AsyncSession, name: str) -> None:
        """Forget the failures of a name: the password was right, or was set anew."""
        await CountedLoginsRepository(session).clear(self._digest(name))

    def wait(self, failures: int) -> timedelta:
        """How long nobody is let in after so many failures in a row."""
        beyond = failures - self.settings.login_failures
        if beyond < 0:
            return timedelta()
        # 2**20 is far above any cap, and keeps the number small.
        seconds = self.settings.login_wait_seconds * 2 ** min(beyond, 20)
        return timedelta(seconds=min(seconds, self.settings.login_wait_most_seconds))

    def _digest(self, name: str) -> bytes:
        return self.tokens.digest(f"login:{name}")
