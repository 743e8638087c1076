"""Sessions. The rows in PostgreSQL are authoritative; copies in Redis make checks fast.

If Redis is down, the check reads PostgreSQL. If both are down, the response is 503.

Redis is not trusted. A copy contains its session, user and expiry, and a MAC under SESSION_SECRET. An attacker who
can write to Redis can neither forge a copy, nor move it to another session, nor extend its life, but only restore a
copy that was valid within the last five minutes. Administration therefore reads the row
(`AccountService.administrator`).
"""

import hmac
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.accounts.repository import AccountRepository
from app.accounts.sessions.tokens import Claims, Tokens
from app.kit.database import Database
from app.kit.identity import Principal
from app.kit.problems import Unauthorized
from app.kit.redis import OUTAGES, report

# Also the longest time that a revocation can be without effect after a failover lost it.
COPY_SECONDS = 300
_REVOKED = b"revoked"
_MAC_BYTES = 32

# Read a copy and the user's current generation. GETEX without options is a GET that counts as a write, so a replica or
# a read-only primary refuses it. Such a server may have missed a revocation.
_READ = "return {redis.call('GETEX', KEYS[1]), redis.call('GET', KEYS[2])}"
# Set a user's generation. If the marks of two changes arrive in the wrong order, the later change counts. `pcall`
# allows overwriting a key of another type.
_MARK = """
local before = redis.pcall('GET', KEYS[#KEYS])
if type(before) == 'string' and (tonumber(before) or -1) > tonumber(ARGV[#ARGV - 1]) then return 0 end
redis.call('SET', KEYS[#KEYS], ARGV[#ARGV - 1], 'EX', ARGV[#ARGV])
return 1
"""
# A revoked session stays revoked, even if a reader that saw it live writes its copy later.
_KEEP = f"""
if redis.pcall('GET', KEYS[1]) == 'revoked' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
{_MARK}
"""


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy of a session in Redis whose MAC is valid. `until` is in seconds since 1970."""

    principal: Principal
    generation: int
    until: float

    def counts(self, claims: Claims, mark: bytes | None) -> bool:
        """Return whether the copy belongs to this session, has not ended, and is newer than the user's last change.

        A copy without a mark is invalid: a change may have deleted the mark because Redis had no memory to update it.
        """
        owner = self.principal
        own = owner.session_id == claims.session_id and owner.user_id == claims.user_id
        return own and time.time() < self.until and mark == b"%d" % self.generation


class SessionStore:
    """Finds the user of a session."""

    def __init__(self, database: Database, redis: Redis, tokens: Tokens) -> None:
        self._database = database
        self._redis = redis
        self._tokens = tokens
        self._read = redis.register_script(_READ)
        self._keep = redis.register_script(_KEEP)
        self._mark = redis.register_script(_MARK)
        # Cached, because a caller's requests repeat the same claims and the same copy.
        self._keys = lru_cache(maxsize=1024)(self._make_keys)
        self._opened = lru_cache(maxsize=1024)(self._open)

    async def authenticate(self, token: str) -> Principal:
        """Return the owner of an access token with a live session. Raises Unauthorized or Unavailable."""
        claims = self._tokens.read(token)
        copy, mark = await self._read_copy(claims)
        if copy == _REVOKED:
            raise Unauthorized
        if copy is not None and (opened := self._opened(copy)) and opened.counts(claims, mark):
            return opened.principal
        return await self._read_row(claims)

    async def forget(self, user_id: UUID, session_id: UUID) -> None:
        """Refuse a session from now on. Call this after the commit that revokes it."""
        key = self._keys(Claims(user_id, session_id))[0]
        await self._tell(key, lambda: self._redis.set(key, _REVOKED, ex=COPY_SECONDS))

    async def changed(self, user_id: UUID, generation: int) -> None:
        """Invalidate copies of the user's sessions that are older than a generation. Call this after its commit."""
        key = self._user_key(user_id)
        await self._tell(key, lambda: self._mark(keys=[key], args=[generation, COPY_SECONDS]))

    async def _tell(self, key: str, mark: Callable[[], Awaitable[object]]) -> None:
        """Set a mark, or delete the key if the server has no memory left: a full server still accepts deletions."""
        try:
            await mark()
        except ResponseError as error:
            report("session copy not marked", error)
            try:
                await self._redis.delete(key)
            except OUTAGES as second:
                report("session copy not removed", second, seconds=COPY_SECONDS)
        except OUTAGES as error:
            report("session copy not removed", error, seconds=COPY_SECONDS)

    async def _read_row(self, claims: Claims) -> Principal:
        async with self._database.unit_of_work() as work:
            accounts = AccountRepository(work.session)
            # Take the time before reading the row: the mark of any later change then outlives the copy.
            until = time.time() + COPY_SECONDS
            found = await accounts.live_session(claims.session_id)
            if found is not None and found[2]:
                await accounts.note_use(claims.session_id)
        if found is None or found[1].id != claims.user_id:
            raise Unauthorized
        session, user, _ = found
        email = user.email if user.email_verified_at else None
        principal = Principal(user.id, session.id, frozenset(user.roles), email, user.language)
        await self._write_copy(_Copy(principal, user.generation, until))
        return principal

    async def _read_copy(self, claims: Claims) -> tuple[bytes | None, bytes | None]:
        try:
            copy, mark = await self._read(keys=self._keys(claims))
        except OUTAGES as error:
            report("session copy not read", error)
            return None, None
        return copy, mark

    async def _write_copy(self, copy: _Copy) -> None:
        owner, document = copy.principal, _document(copy)
        keys = self._keys(Claims(owner.user_id, owner.session_id))
        seconds = round(COPY_SECONDS * random.uniform(0.8, 1))  # noqa: S311  spreads load, guards nothing
        arguments: list[bytes | int] = [self._mac(document) + document, seconds, copy.generation, COPY_SECONDS]
        try:
            await self._keep(keys=keys, args=arguments)
        except OUTAGES as error:
            report("session copy not written", error)

    def _open(self, copy: bytes) -> _Copy | None:
        """Return a copy if its MAC is valid, or None."""
        mac, document = copy[:_MAC_BYTES], copy[_MAC_BYTES:]
        return _copy(document) if hmac.compare_digest(mac, self._mac(document)) else None

    def _mac(self, document: bytes) -> bytes:
        # Change this number with the format of the copy: pods of two releases share Redis.
        return self._tokens.mac(b"session-copy-1:" + document)

    def _make_keys(self, claims: Claims) -> tuple[str, str]:
        """Return the keys of a session's copy and its user's mark, which share a hash slot in a Redis cluster."""
        user_key = self._user_key(claims.user_id)
        session = self._tokens.digest(str(claims.session_id)).hex()
        return f"session:{user_key.removeprefix('user:')}:{session}", user_key

    def _user_key(self, user_id: UUID) -> str:
        return f"user:{{{self._tokens.digest(f'user:{user_id}').hex()}}}"


def _document(copy: _Copy) -> bytes:
    owner = copy.principal
    return json.dumps(
        {
            "user_id": str(owner.user_id),
            "session_id": str(owner.session_id),
            "roles": sorted(owner.roles),
            "email": owner.email,
            "language": owner.language,
            "generation": copy.generation,
            "until": copy.until,
        }
    ).encode()


def _copy(document: bytes) -> _Copy:
    members = json.loads(document)
    principal = Principal(
        UUID(members["user_id"]),
        UUID(members["session_id"]),
        frozenset(members["roles"]),
        members["email"],
        members["language"],
    )
    return _Copy(principal, members["generation"], members["until"])
