"""Cache-aside: read from Redis; on a miss, read PostgreSQL and fill Redis. Without Redis, reads are slower.

Features cache models: `cache.of(OrderRead, "order")`. A key is a Redis hash with one field per schema of the model,
so releases with different schemas do not read each other's entries, and invalidating a key removes all of them.
"""

import asyncio
import hashlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter
from pydantic import BaseModel
from redis.asyncio import Redis

from app.kit.lock_order import Rank, about_to_wait
from app.kit.redis import OUTAGES, report

log = structlog.stdlib.get_logger(__name__)

CACHE_HITS = Counter("cache_hits", "Cached reads answered from Redis")
CACHE_MISSES = Counter("cache_misses", "Cached reads that went to PostgreSQL")
CACHE_UNREADABLE = Counter("cache_unreadable", "Cached entries that could not be decoded and were loaded again")
CACHE_ERRORS = Counter("cache_errors", "Cache calls that Redis did not answer")

# Changes when this module stores entries in another way.
VERSION = "2"
# Seconds for which the absence of a row is cached. Creating the row invalidates its key, as a change does.
ABSENT_SECONDS = 10
_ABSENT = b""
# Milliseconds after which another caller may start to fill the same entry.
FILL_TIMEOUT_MS = 2_000
# Other callers wait 20 x 25 ms for the filler before they read PostgreSQL themselves.
_WAITS, _WAIT_SECONDS = 20, 0.025

# Return the value, or take the turn to fill it. Atomic: a filler that finished between the two commands would otherwise
# be missed, and the entry filled twice.
_TAKE = """
local value = redis.call('HGET', KEYS[1], ARGV[3])
if value then return {value, 0} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {false, 1} end
return {false, 0}
"""
# Store a value only while the filler holds its turn, which an invalidation revokes. The key expires when the first of
# its fields would.
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local left = redis.call('TTL', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[4], ARGV[2])
if left < 0 or left > tonumber(ARGV[3]) then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")

Fill = Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Cached(Generic[_Value]):
    """A value or None, and whether it came from the cache."""

    value: _Value | None
    hit: bool


class Cache:
    """Entries in Redis, each with a time to live."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._take = redis.register_script(_TAKE)
        self._store = redis.register_script(_STORE)
        self._release = redis.register_script(_RELEASE)

    def of(self, model: type[_Model], name: str) -> "ModelCache[_Model]":
        """A cache of one model, whose keys start with `name`."""
        return ModelCache(self, model, name)

    async def get_or_fill(self, key: str, fill: Fill, ttl: int = 300) -> Cached[bytes]:
        """The cached bytes of a key, or what `fill` returns, kept for about `ttl` seconds (10 % jitter).

        One caller fills at a time. None means that there is no value, and is kept for a few seconds, so that repeated
        requests for a missing row do not all reach PostgreSQL. Raises what `fill` raises.
        """
        return await self.read_through(key, "bytes", _unchanged, fill, ttl)

    async def read_through(
        self, key: str, field: str, decode: Callable[[bytes], _Value], fill: Fill, ttl: int
    ) -> Cached[_Value]:
        """As `get_or_fill`, for one field of the key. An entry that `decode` refuses with ValueError is a miss."""
        turn = _Turn(*_keys(key), field, secrets.token_hex(8))
        # A request that waits for another one's fill must not hold a connection that the fill may need.
        about_to_wait(Rank.FILL)
        try:
            stored = await self._value_or_turn(turn)
            if stored is not None:
                try:
                    found = decode(stored) if stored != _ABSENT else None
                except ValueError:
                    await self._discard(turn)
                else:
                    CACHE_HITS.inc()
                    return Cached(found, hit=True)
        except OUTAGES as error:
            _count_error(error)
            filled = await fill()
        else:
            CACHE_MISSES.inc()
            filled = await self._fill(turn, fill, ttl)
        return Cached(decode(filled) if filled is not None else None, hit=False)

    async def invalidate(self, key: str) -> None:
        """Delete a key, and prevent a running fill from storing what it read. Call this after the commit."""
        try:
            await self.redis.delete(*_keys(key))
        except OUTAGES as error:
            _count_error(error)

    async def _value_or_turn(self, turn: "_Turn") -> bytes | None:
        # redis-py types the commands on hashes as either synchronous or asynchronous.
        value: bytes | None = await self.redis.hget(turn.value_key, turn.field)  # type: ignore[misc]  # see above
        for _ in range(_WAITS):
            if value is not None:
                break
            value, taken = await self._take(
                keys=[turn.value_key, turn.turn_key], args=[turn.token, FILL_TIMEOUT_MS, turn.field]
            )
            if taken:
                break
            if value is None:
                await asyncio.sleep(_WAIT_SECONDS)
        return value

    async def _discard(self, turn: "_Turn") -> None:
        """Delete an entry that cannot be decoded, and claim the right to fill it if nobody else has."""
        CACHE_UNREADABLE.inc()
        log.warning("cached entry could not be read", key=turn.value_key)
        await self.redis.hdel(turn.value_key, turn.field)  # type: ignore[misc]  # as above
        await self._take(keys=[turn.value_key, turn.turn_key], args=[turn.token, FILL_TIMEOUT_MS, turn.field])

    async def _fill(self, turn: "_Turn", fill: Fill, ttl: int) -> bytes | None:
        try:
            value = await fill()
        except BaseException:
            try:
                await self._release(keys=[turn.turn_key], args=[turn.token])
            except OUTAGES as error:
                _count_error(error)
            raise
        try:
            kept, seconds = (value, _jittered(ttl)) if value is not None else (_ABSENT, ABSENT_SECONDS)
            await self._store(keys=[turn.value_key, turn.turn_key], args=[turn.token, kept, seconds, turn.field])
        except OUTAGES as error:
            _count_error(error)
        return value


class ModelCache(Generic[_Model]):
    """Models of one kind, as JSON without their computed fields."""

    def __init__(self, cache: Cache, model: type[_Model], name: str) -> None:
        self._cache = cache
        self._model = model
        self._name = name

    async def get_or_fill(
        self, key: str, fill: Callable[[], Awaitable[_Model | None]], ttl: int = 300
    ) -> Cached[_Model]:
        """The cached model of a key, or what `fill` returns, kept for about `ttl` seconds; None for a few seconds.

        One caller fills at a time. Raises what `fill` raises.
        """

        async def encoded() -> bytes | None:
            model = await fill()
            return None if model is None else model.model_dump_json(exclude_computed_fields=True).encode()

        decode = self._model.model_validate_json
        return await self._cache.read_through(self._full(key), schema_hash(self._model), decode, encoded, ttl)

    async def invalidate(self, key: str) -> None:
        """Delete a key in all schemas, and prevent a running fill from storing what it read.

        Call it after the commit.
        """
        await self._cache.invalidate(self._full(key))

    def _full(self, key: str) -> str:
        return f"{self._name}:{key}"


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to fill one field of a key."""

    value_key: str
    turn_key: str
    field: str
    token: str


# Holds one entry for each cached model.
@cache
def schema_hash(model: type[BaseModel]) -> str:
    """A digest of a model's fields, their types and constraints."""
    schema = json.dumps(model.model_json_schema(), sort_keys=True)
    return hashlib.sha256(schema.encode()).hexdigest()[:12]


def _unchanged(value: bytes) -> bytes:
    return value


def _keys(key: str) -> tuple[str, str]:
    # The braces put both keys into one hash slot, in case the cache moves to cluster mode.
    name = f"cache:{VERSION}:{{{key}}}"
    return name, f"{name}:turn"


def _jittered(ttl: int) -> int:
    # Prevents values that were filled together from expiring together.
    return max(1, round(ttl * random.uniform(0.9, 1.1)))  # noqa: S311  spreads load, guards nothing


def _count_error(error: Exception) -> None:
    CACHE_ERRORS.inc()
    report("cache did not answer", error)
