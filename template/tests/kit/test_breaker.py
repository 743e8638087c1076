"""The circuit breaker: an outage of Redis costs a caller nothing, and ends soon after Redis is back."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from app.kit import breaker
from app.kit import redis as kit_redis
from app.kit.breaker import FAILURES, Breaker
from app.kit.redis import OUTAGES, CircuitOpen
from tests.kit.test_redis import OK, server


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """A breaker that tries again after 50 ms."""
    monkeypatch.setattr(breaker, "PAUSE", 0.05)
    return Breaker("test")


def test_a_few_failures_in_a_row_open_it(fresh: Breaker) -> None:
    for _ in range(FAILURES - 1):
        fresh.failed()
    fresh.succeeded()
    for _ in range(FAILURES - 1):
        fresh.failed()
    assert fresh.admit()
    fresh.failed()
    assert not fresh.admit()


def test_one_caller_tries_after_the_pause_and_the_others_do_not(fresh: Breaker) -> None:
    for _ in range(FAILURES):
        fresh.failed()
    time.sleep(0.06)
    assert [fresh.admit() for _ in range(3)] == [True, False, False]
    fresh.failed()
    assert not fresh.admit()
    time.sleep(0.06)
    assert fresh.admit()
    fresh.succeeded()
    assert all(fresh.admit() for _ in range(3))


async def test_a_silent_server_costs_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_redis, "CALL_TIMEOUT", 0.1)
    async with server(lambda _: b"") as redis:
        for _ in range(FAILURES):
            assert not await answers(redis)
        refusals = await asyncio.gather(*(redis.ping() for _ in range(200)), return_exceptions=True)
        assert all(isinstance(refusal, CircuitOpen) for refusal in refusals)


async def test_a_server_that_is_back_is_used_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 0.1)
    monkeypatch.setattr(kit_redis, "CALL_TIMEOUT", 0.1)
    speaking = False
    async with server(lambda data: OK * data.count(b"*") if speaking else b"") as redis:
        for _ in range(FAILURES):
            assert not await answers(redis)
        with pytest.raises(CircuitOpen):
            await redis.ping()
        speaking = True
        await asyncio.sleep(0.15)
        assert all([await answers(redis) for _ in range(5)])


async def test_the_state_is_a_metric(fresh: Breaker) -> None:
    for _ in range(FAILURES):
        fresh.failed()
    assert gauge() == 1
    fresh.succeeded()
    assert gauge() == 0


async def answers(redis: Redis) -> bool:
    try:
        await redis.ping()
    except OUTAGES:
        return False
    return True


def gauge() -> float | None:
    return REGISTRY.get_sample_value("redis_circuit_open", {"use": "test"})
