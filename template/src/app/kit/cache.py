"""Cache-aside: read Redis, on a miss ask PostgreSQL and fill. The service works, slower, without it."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from app.kit import metrics
from app.kit.lock_order import Rank, about_to_wait
from app.kit.redis import OUTAGES, report

# A change to the form of cached values changes this, so that old and new pods do not read each other's.
VERSION = "1"
# An absence is kept this long, seconds. Whoever creates the row invalidates its key, as whoever changes it does.
ABSENT_SECONDS = 10
_ABSENT = b""
# The longest that a filler may take before another one starts, milliseconds.
FILL_TIMEOUT_MS = 2_000
# How long others wait for the filler before they read PostgreSQL themselves: 20 x 25 ms.
_WAITS, _WAIT_SECONDS = 20, 0.025

# The value, or the turn to fill it. In one step: a filler that ends in between would leave both to be taken.
_TAKE = """
local value = redis.call('GET', KEYS[1])
if value then return {value, 0} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {false, 1} end
return {false, 0}
"""
# Stores a value only while the filler still holds its turn: an invalidation in between takes the turn away.
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

Fill = Callable[[], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Cached:
    """A value, None where there is none, and whether it came from the cache."""

    value: bytes | None
    hit: bool


class Cache:
    """Bytes under keys in Redis, each with a time to live."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._take = redis.register_script(_TAKE)
        self._store = redis.register_script(_STORE)
        self._release = redis.register_script(_RELEASE)

    async def get_or_fill(self, key: str, fill: Fill, ttl: int = 300) -> Cached:
        """The cached value of a key, or what `fill` returns, kept for about `ttl` seconds (10 % jitter).

        One caller fills at a time. None, which says that nothing is there, is kept for a few seconds: whoever asks for
        what is not there again and again reaches PostgreSQL no more often. Raises what `fill` raises.
        """
        value_key, turn_key = _keys(key)
        turn = secrets.token_hex(8)
        # Whoever waits for another's fill must not hold the connection that the fill needs.
        about_to_wait(Rank.FILL)
        try:
            value = await self._value_or_turn(value_key, turn_key, turn)
        except OUTAGES as error:
            _count_error(error)
            return Cached(await fill(), hit=False)
        if value is not None:
            metrics.CACHE_HITS.inc()
            return Cached(value if value != _ABSENT else None, hit=True)
        metrics.CACHE_MISSES.inc()
        return Cached(await self._fill(value_key, turn_key, turn, fill, ttl), hit=False)

    async def invalidate(self, key: str) -> None:
        """Forget a key, and make a fill that is under way forget what it read. Call it after the commit."""
        try:
            await self.redis.delete(*_keys(key))
        except OUTAGES as error:
            _count_error(error)

    async def _value_or_turn(self, value_key: str, turn_key: str, turn: str) -> bytes | None:
        value: bytes | None = await self.redis.get(value_key)
        for _ in range(_WAITS):
            if value is not None:
                break
            value, taken = await self._take(keys=[value_key, turn_key], args=[turn, FILL_TIMEOUT_MS])
            if taken:
                break
            if value is None:
                await asyncio.sleep(_WAIT_SECONDS)
        return value

    async def _fill(self, value_key: str, turn_key: str, turn: str, fill: Fill, ttl: int) -> bytes | None:
        try:
            value = await fill()
        except BaseException:
            try:
                await self._release(keys=[turn_key], args=[turn])
            except OUTAGES as error:
                _count_error(error)
            raise
        try:
            kept, seconds = (value, _jittered(ttl)) if value is not None else (_ABSENT, ABSENT_SECONDS)
            await self._store(keys=[value_key, turn_key], args=[turn, kept, seconds])
        except OUTAGES as error:
            _count_error(error)
        return value


def _keys(key: str) -> tuple[str, str]:
    # The braces put both keys on one shard, should the cache ever move to cluster mode.
    name = f"cache:{VERSION}:{{{key}}}"
    return name, f"{name}:turn"


def _jittered(ttl: int) -> int:
    # Values filled together do not all expire together.
    return max(1, round(ttl * random.uniform(0.9, 1.1)))  # noqa: S311  spreads load, guards nothing


def _count_error(error: Exception) -> None:
    metrics.CACHE_ERRORS.inc()
    report("cache did not answer", error)
