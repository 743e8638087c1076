"""Waits after failed logins: each is twice as long, for known and unknown names, and stored in PostgreSQL.

A device that has logged in before has its own counter (see `devices`), so failures of strangers do not lock out the
owner. All times are PostgreSQL's, because the clocks of pods differ.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import LoginAttempts
from app.accounts.problems import LoginLocked
from app.accounts.sessions.tokens import Tokens
from app.accounts.settings import AccountsSettings

# Failures that are a day old no longer count.
FORGOTTEN_AFTER = timedelta(days=1)
# A check takes a second at most. One that is pending for longer than this has lost its process, and counts as failed.
CHECKED_WITHIN = timedelta(seconds=10)


class LoginAttemptsRepository:
    """Login attempts, through one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, digest: bytes) -> tuple[LoginAttempts, datetime]:
        """Return the row of a name, created if missing and locked, and the time. Concurrent logins wait."""
        # A single statement: between an insert and a select, a successful login could delete the row.
        made = insert(LoginAttempts).values(digest=digest, failures=0, pending=0)
        locked = made.on_conflict_do_update(index_elements=["digest"], set_={"failures": LoginAttempts.failures})
        query = locked.returning(LoginAttempts, func.clock_timestamp())
        row = (await self._session.execute(query, execution_options={"populate_existing": True})).one()
        return row[0], row[1]

    async def clear(self, digest: bytes) -> None:
        """Forget the failures of a name."""
        await self._session.execute(delete(LoginAttempts).where(LoginAttempts.digest == digest))

    async def remove_older(self, age: timedelta) -> None:
        """Delete counters whose last failure is older than this."""
        await self._session.execute(delete(LoginAttempts).where(LoginAttempts.last_at < func.now() - age))


@dataclass(frozen=True, slots=True)
class Lockout:
    """The rule. A name is an email address as the caller wrote it, whether or not it exists, or a session or device."""

    settings: AccountsSettings
    tokens: Tokens

    async def admit(self, session: AsyncSession, name: str) -> bool:
        """Count an attempt before its password is checked, so that concurrent ones count. Raises LoginLocked.

        Return False if the attempts in progress may use up the free ones: try again in a moment. Commit before the
        password is checked. Then call `clear` if it was right, or else `fail`.
        """
        counted, now = await LoginAttemptsRepository(session).lock(self._digest(name))
        if counted.last_at < now - FORGOTTEN_AFTER:
            counted.failures, counted.pending, counted.locked_until = 0, 0, None
        if counted.pending and counted.last_at < now - CHECKED_WITHIN:
            self._count(counted, counted.pending, counted.last_at)
            counted.pending = 0
        if counted.locked_until and counted.locked_until > now:
            raise LoginLocked(counted.locked_until - now)
        if counted.pending and counted.failures + counted.pending >= self.settings.login_failures:
            return False
        counted.pending += 1
        counted.last_at = now
        return True

    async def fail(self, session: AsyncSession, name: str) -> None:
        """Count an attempt that was admitted as failed."""
        counted, now = await LoginAttemptsRepository(session).lock(self._digest(name))
        counted.pending = max(0, counted.pending - 1)
        counted.last_at = now
        self._count(counted, 1, now)

    async def clear(self, session: AsyncSession, name: str) -> None:
        """Forget the failures of a name: the password was right, or was reset."""
        await LoginAttemptsRepository(session).clear(self._digest(name))

    def _count(self, counted: LoginAttempts, failures: int, moment: datetime) -> None:
        counted.failures += failures
        wait = self.wait(counted.failures)
        counted.locked_until = moment + wait if wait else None

    def wait(self, failures: int) -> timedelta:
        """Return how long logins are refused after this number of failures in a row."""
        beyond = failures - self.settings.login_failures
        if beyond < 0:
            return timedelta()
        # The limit keeps the number small; 2**20 is far above any configurable wait.
        seconds = self.settings.login_wait_seconds * 2 ** min(beyond, 20)
        return timedelta(seconds=min(seconds, self.settings.login_wait_most_seconds))

    def _digest(self, name: str) -> bytes:
        return self.tokens.digest(f"login:{name}")
