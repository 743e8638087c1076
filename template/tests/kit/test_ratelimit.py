"""Rate limits: exact when calls come at once, open without Redis, unmoved by forged headers."""

import asyncio
from types import SimpleNamespace

import pytest
from starlette.requests import Request

from app.kit import redis as kit_redis
from app.kit.ratelimit import Limit, RateLimiter
from app.kit.requests import client_address
from app.kit.resources import Resources

LIMIT = Limit("test", 5, 60)


async def test_of_many_at_once_exactly_the_limit_passes(resources: Resources) -> None:
    verdicts = await asyncio.gather(*(resources.limiter.take(LIMIT, "ann") for _ in range(20)))
    assert [verdict is not None and verdict.allowed for verdict in verdicts].count(True) == 5


async def test_remaining_counts_down_and_a_refusal_says_when(resources: Resources) -> None:
    verdicts = [await resources.limiter.take(LIMIT, "ann") for _ in range(6)]
    assert [verdict.remaining for verdict in verdicts if verdict] == [4, 3, 2, 1, 0, 0]
    last = verdicts[-1]
    assert last is not None
    assert 11 <= last.seconds <= 12


async def test_callers_do_not_share_an_allowance(resources: Resources) -> None:
    for _ in range(6):
        await resources.limiter.take(LIMIT, "ann")
    verdict = await resources.limiter.take(LIMIT, "bob")
    assert verdict is not None
    assert verdict.allowed


async def test_an_allowance_grows_back(resources: Resources) -> None:
    quick = Limit("quick", 10, 1)
    for _ in range(11):
        verdict = await resources.limiter.take(quick, "ann")
    assert verdict is not None
    assert not verdict.allowed
    await asyncio.sleep(0.12)
    verdict = await resources.limiter.take(quick, "ann")
    assert verdict is not None
    assert verdict.allowed


async def test_limits_are_open_without_redis() -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    assert await RateLimiter(redis).take(LIMIT, "ann") is None
    await redis.aclose()


def request(trusted: int, *forwarded: str) -> Request:
    app = SimpleNamespace(state=SimpleNamespace(settings=SimpleNamespace(trusted_proxies=trusted)))
    headers = [(b"x-forwarded-for", hops.encode()) for hops in forwarded]
    return Request({"type": "http", "app": app, "headers": headers, "client": ("10.0.0.9", 1)})


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_only_trusted_hops_name_the_caller(trusted: int, forwarded: str, expected: str) -> None:
    assert client_address(request(trusted, forwarded)) == expected


def test_a_second_header_of_the_caller_hides_nothing() -> None:
    assert client_address(request(1, "6.6.6.6", "1.1.1.1")) == "1.1.1.1"
