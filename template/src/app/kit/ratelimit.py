"""Rate limits per user or IP address, in one atomic Redis step. Without Redis, requests pass and are counted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from prometheus_client import Counter
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode
from redis.asyncio import Redis

from app.kit.configuration import Fault, Section, parse_json
from app.kit.identity import CurrentUser
from app.kit.problems import TooManyRequests
from app.kit.redis import OUTAGES, report
from app.kit.requests import add_response_header, client_network

RATE_LIMITED = Counter("rate_limited", "Requests refused by a rate limit", ["limit"])
RATE_LIMIT_OPEN = Counter("rate_limit_open", "Requests let through because Redis did not answer")

# The generic cell rate algorithm: one key holds the time at which the caller's full allowance is restored. Fixed
# windows would allow two full bursts where they meet.
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
    """A number of requests per period in seconds. The name is part of the key and of the response's headers."""

    name: str
    requests: int
    period: int


_COUNTED = "app.counted_limits"

# The limits that routes declare, by name. RATE_LIMITS overrides them.
_declared: dict[str, Limit] = {}


class RateLimitSettings(Section):
    """Overrides of the limits that routes declare."""

    rate_limits: Annotated[dict[str, str], NoDecode, BeforeValidator(parse_json)] = Field(
        default={}, description='a JSON object of requests/seconds by limit, such as {"tasks": "60/60"}'
    )

    def faults(self) -> Iterator[Fault]:
        """Refuse names that no route declares, and numbers that are not requests/seconds."""
        for name, numbers in self.rate_limits.items():
            if name not in _declared:
                known = ", ".join(declared_limits())
                yield Fault("RATE_LIMITS", f"no limit is called {name!r}", f"the limits are {known}")
            elif not re.fullmatch(r"[1-9][0-9]{0,8}/[1-9][0-9]{0,8}", numbers):
                yield Fault("RATE_LIMITS", f"{name!r} is {numbers!r}", "write requests/seconds, such as 10/60")

    def limits(self) -> dict[str, Limit]:
        """The changed limits by name."""
        return {name: Limit(name, *map(int, numbers.split("/"))) for name, numbers in self.rate_limits.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request passes, the remaining requests, and the milliseconds until the reset (or the retry)."""

    limit: Limit
    allowed: bool
    remaining: int
    milliseconds: int

    @property
    def seconds(self) -> int:
        """The time rounded up to whole seconds, at least 1."""
        return max(1, -(-self.milliseconds // 1000))


class RateLimiter:
    """Counts in Redis. `changed` holds the limits that differ from what their routes declare."""

    def __init__(self, redis: Redis, changed: Mapping[str, Limit] | None = None) -> None:
        self._step = redis.register_script(_STEP)
        self._changed = changed or {}

    async def take(self, limit: Limit, caller: str) -> Verdict | None:
        """Count one request of a caller. Return None if Redis does not answer: the request then passes."""
        limit = self._changed.get(limit.name, limit)
        interval = limit.period * 1000 / limit.requests
        try:
            allowed, remaining, milliseconds = await self._step(
                keys=[f"limit:{limit.name}:{{{caller}}}"], args=[interval, limit.period * 1000]
            )
        except OUTAGES as error:
            RATE_LIMIT_OPEN.inc()
            report("rate limit is open", error, limit=limit.name)
            return None
        return Verdict(limit, bool(allowed), int(remaining), int(milliseconds))


def declared_limits() -> list[str]:
    """Return the names that RATE_LIMITS may contain, sorted. Complete once the features are imported."""
    return sorted(_declared)


def declare(limit: Limit) -> Limit:
    """Make a limit known to RATE_LIMITS. Raises ValueError when another one has its name."""
    if _declared.setdefault(limit.name, limit) != limit:
        raise ValueError(f"two limits are called {limit.name!r}")
    RATE_LIMITED.labels(limit.name)
    return limit


# FastAPI hashes a dependency three times per request, and a hash by identity is cheaper than one by value.
@dataclass(frozen=True, slots=True, eq=False)
class AddressLimit:
    """Limits each client's IP address, or its /64 of IPv6. Raises TooManyRequests."""

    limit: Limit

    async def __call__(self, request: Request) -> None:
        """Count the request."""
        await _check(request, self.limit, client_network(request))


@dataclass(frozen=True, slots=True, eq=False)
class UserLimit:
    """Limits each signed-in user. Raises TooManyRequests."""

    limit: Limit

    async def __call__(self, request: Request, user: CurrentUser) -> None:
        """Count the request."""
        await _check(request, self.limit, str(user.user_id))


def limited_by_address(limit: Limit) -> Dependency:
    """A route dependency that limits each client address, before a body is read."""
    dependency: Dependency = Depends(AddressLimit(declare(limit)))
    return dependency


def limited_by_user(limit: Limit) -> Dependency:
    """A route dependency that limits each signed-in user, before a body is read."""
    dependency: Dependency = Depends(UserLimit(declare(limit)))
    return dependency


async def _check(request: Request, limit: Limit, caller: str) -> None:
    """Count a request, unless it was counted before its body was read."""
    counted: set[str] = request.scope.setdefault(_COUNTED, set())
    if limit.name in counted:
        return
    counted.add(limit.name)
    limiter: RateLimiter = request.app.state.resources.limiter
    verdict = await limiter.take(limit, caller)
    if verdict is None:
        return
    limit = verdict.limit
    add_response_header(request, "RateLimit-Policy", f'"{limit.name}";q={limit.requests};w={limit.period}')
    add_response_header(request, "RateLimit", f'"{limit.name}";r={verdict.remaining};t={verdict.seconds}')
    if not verdict.allowed:
        RATE_LIMITED.labels(limit.name).inc()
        raise TooManyRequests(verdict.seconds)
