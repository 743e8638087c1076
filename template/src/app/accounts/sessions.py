"""Sessions at the speed of Redis: rows in PostgreSQL are the truth, Redis holds a fast copy.

With Redis down the check reads PostgreSQL; with both down the answer is 503, never acceptance.
"""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.accounts.repository import AccountRepository
from app.accounts.tokens import Claims, Tokens
from app.kit.database import Database
from app.kit.identity import Principal
from app.kit.problems import Unauthorized
from app.kit.redis import OUTAGES, report

# Also bounds what a failover that lost a revocation can bring back to life.
COPY_SECONDS = 300
_REVOKED = b"revoked"
# The row changed: read it. The mark stands for longer than a slow reader of the old row may take, seconds.
_CHANGED, _CHANGED_SECONDS = b"changed", 15
# Of a session in constant use, this is noted no more often than its copy is made anew.
_NOTED_FOR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Tells the owner of a session."""

    database: Database
    redis: Redis
    tokens: Tokens

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token whose session lives. Raises Unauthorized or Unavailable."""
        claims = self.tokens.read(token)
        copy = await self._read_copy(claims.session_id)
        if copy == _REVOKED:
            raise Unauthorized
        if copy is not None and copy != _CHANGED:
            return _principal(copy)
        return await self._read_row(claims)

    async def forget(self, session_id: UUID) -> None:
        """Refuse a session from now on. Call it after the commit that revoked it.

        The mark outlives any copy that a slower reader is about to write: those are written only where nothing is.
        """
        await self._mark(session_id, _REVOKED, COPY_SECONDS)

    async def reread(self, session_id: UUID) -> None:
        """Have the next request see what changed of the session's user. Call it after the commit of the change."""
        await self._mark(session_id, _CHANGED, _CHANGED_SECONDS)

    async def _mark(self, session_id: UUID, mark: bytes, seconds: int) -> None:
        try:
            await self.redis.set(self._key(session_id), mark, ex=seconds)
        except ResponseError as error:
            report("session copy not marked", error)
            await self._remove(session_id)
        except OUTAGES as error:
            report("session copy not removed", error, seconds=COPY_SECONDS)

    async def _remove(self, session_id: UUID) -> None:
        """Remove the copy: a server without memory for a mark accepts deletions. A replica is not read from."""
        try:
            await self.redis.delete(self._key(session_id))
        except OUTAGES as error:
            report("session copy not removed", error, seconds=COPY_SECONDS)

    async def _read_row(self, claims: Claims) -> Principal:
        async with self.database.unit_of_work() as work:
            accounts = AccountRepository(work.session)
            found = await accounts.live_session(claims.session_id)
            if found is not None and found[0].last_used_at < datetime.now(UTC) - _NOTED_FOR:
                await accounts.note_use(claims.session_id)
        if found is None or found[1].id != claims.user_id:
            raise Unauthorized
        session, user = found
        email = user.email if user.email_verified_at else None
        principal = Principal(user.id, session.id, frozenset(user.roles), email, user.language)
        await self._write_copy(principal)
        return principal

    async def _read_copy(self, session_id: UUID) -> bytes | None:
        """The copy, from a server that accepts writes: another one did not hear of a revocation.

        GETEX without options is a GET that counts as a write: a replica, or a primary that may not write, refuses it.
        """
        try:
            copy: bytes | None = await self.redis.getex(self._key(session_id))
        except OUTAGES as error:
            report("session copy not read", error)
            return None
        return copy

    async def _write_copy(self, principal: Principal) -> None:
        seconds = round(COPY_SECONDS * random.uniform(0.8, 1))  # noqa: S311  spreads load, guards nothing
        try:
            await self.redis.set(self._key(principal.session_id), _document(principal), ex=seconds, nx=True)
        except OUTAGES as error:
            report("session copy not written", error)

    def _key(self, session_id: UUID) -> str:
        return f"session:{{{self.tokens.digest(str(session_id)).hex()}}}"


def _document(principal: Principal) -> bytes:
    return json.dumps(
        {
            "user_id": str(principal.user_id),
            "session_id": str(principal.session_id),
            "roles": sorted(principal.roles),
            "email": principal.email,
            "language": principal.language,
        }
    ).encode()


# A caller's next request brings the same copy.
@lru_cache(maxsize=1024)
def _principal(copy: bytes) -> Principal:
    members = json.loads(copy)
    return Principal(
        UUID(members["user_id"]),
        UUID(members["session_id"]),
        frozenset(members["roles"]),
        members["email"],
        members["language"],
    )
