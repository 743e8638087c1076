"""Rate limits in one atomic Redis step, by user or by address. Open, and counted, when Redis does not answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from redis.asyncio import Redis

from app.kit import metrics
from app.kit.identity import CurrentUser
from app.kit.problems import TooManyRequests
from app.kit.redis import OUTAGES, report
from app.kit.requests import add_response_header, client_address

# The generic cell rate algorithm: one key holds the time at which the caller's allowance is whole again.
# It spreads a caller's requests instead of letting two full windows meet at their border.
_STEP = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local interval, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval
local wait = whole - period - now
if wait > 0 then return {0, 0, wait} end
redis.call('SET', KEYS[1], whole, 'PX', math.ceil(whole - now))
return {1, math.floor((period - (whole - now)) / interval), math.ceil(whole - now)}
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in a period of seconds. The name is part of the key and of the answer's headers."""

    name: str
    requests: int
    period: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request passes, what is left, and the milliseconds until the allowance is whole (or until a retry)."""

    allowed: bool
    remaining: int
    milliseconds: int

    @property
    def seconds(self) -> int:
        """The time rounded up to whole seconds, at least 1."""
        return max(1, -(-self.milliseconds // 1000))


class RateLimiter:
    """Counts in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._step = redis.register_script(_STEP)

    async def take(self, limit: Limit, caller: str) -> Verdict | None:
        """Count one request of a caller. None when Redis does not answer: the request passes."""
        interval = limit.period * 1000 / limit.requests
        try:
            allowed, remaining, milliseconds = await self._step(
                keys=[f"limit:{limit.name}:{{{caller}}}"], args=[interval, limit.period * 1000]
            )
        except OUTAGES as error:
            metrics.RATE_LIMIT_OPEN.inc()
            report("rate limit is open", error, limit=limit.name)
            return None
        return Verdict(bool(allowed), int(remaining), int(milliseconds))


def limited_by_address(limit: Limit) -> Dependency:
    """A route dependency that limits each client address."""

    async def check(request: Request) -> None:
        await _check(request, limit, client_address(request))

    return _dependency(check)


def limited_by_user(limit: Limit) -> Dependency:
    """A route dependency that limits each signed-in user."""

    async def check(request: Request, user: CurrentUser) -> None:
        await _check(request, limit, str(user.user_id))

    return _dependency(check)


def _dependency(check: Callable[..., Awaitable[None]]) -> Dependency:
    dependency: Dependency = Depends(check)
    return dependency


async def _check(request: Request, limit: Limit, caller: str) -> None:
    limiter: RateLimiter = request.app.state.resources.limiter
    verdict = await limiter.take(limit, caller)
    if verdict is None:
        return
    add_response_header(request, "RateLimit-Policy", f'"{limit.name}";q={limit.requests};w={limit.period}')
    add_response_header(request, "RateLimit", f'"{limit.name}";r={verdict.remaining};t={verdict.seconds}')
    if not verdict.allowed:
        metrics.RATE_LIMITED.labels(limit.name).inc()
        raise TooManyRequests(verdict.seconds)
