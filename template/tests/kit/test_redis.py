"""A reachable Redis that does not answer, or has no memory left."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import DataError, ResponseError

from app.composition import Resources
from app.kit import redis as kit_redis
from app.kit.ratelimit import Limit, RateLimiter
from app.kit.redis import OUTAGES

Answer = Callable[[bytes], bytes]

OK = b"+OK\r\n"


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[Redis]:
    """A client of a server that gives one answer to everything; an empty one is silence."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(answer(data))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    redis = kit_redis.connect(f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0")
    async with listening:
        try:
            yield redis
        finally:
            await redis.aclose()


async def test_callers_of_a_silent_server_do_not_queue_behind_each_other() -> None:
    async with server(lambda _: b"") as redis:
        started = time.monotonic()
        answers = await asyncio.gather(*(redis.ping() for _ in range(20)), return_exceptions=True)
        # Each call takes half a second, and all run at once.
        assert time.monotonic() - started < 2
        assert all(isinstance(answer, OUTAGES) for answer in answers)


async def test_a_connection_that_fell_silent_costs_one_time_out() -> None:
    speaking = True
    async with server(lambda data: OK * data.count(b"*") if speaking else b"") as redis:
        await asyncio.gather(*(redis.ping() for _ in range(5)))
        speaking = False
        started = time.monotonic()
        await asyncio.gather(*(redis.ping() for _ in range(20)), return_exceptions=True)
        assert time.monotonic() - started < 2


async def test_a_connection_that_takes_long_to_close_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS closes by a handshake, and redis-py raises when that takes longer than a call: no worker may end by it."""

    async def never(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with server(lambda data: OK * data.count(b"*")) as redis:
        await redis.ping()
        with monkeypatch.context() as slow:
            slow.setattr(asyncio.StreamWriter, "wait_closed", never)
            await kit_redis.renew(redis)
        await redis.ping()


async def test_a_full_server_counts_as_an_outage() -> None:
    refusal = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    async with server(lambda data: refusal * data.count(b"*")) as redis:
        assert await RateLimiter(redis).take(Limit("test", 5, 60), "ann") is None


async def test_calls_of_one_moment_share_a_round_trip() -> None:
    received: list[bytes] = []

    def answer(data: bytes) -> bytes:
        received.append(data)
        return OK * data.count(b"*")

    async with server(answer) as redis:
        await redis.ping()
        received.clear()
        await asyncio.gather(*(redis.get(f"key-{number}") for number in range(20)))
        assert len(received) == 1
        assert received[0].count(b"GET") == 20


async def call(redis: Redis, *command: object) -> object:
    answer: object = await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py
    return answer


@pytest.mark.parametrize(
    ("command", "fault"), [(("SET", "other", object()), DataError), (("LPUSH", "key", "x"), ResponseError)]
)
async def test_a_call_that_cannot_be_sent_or_is_refused_fails_alone(
    resources: Resources, command: tuple[object, ...], fault: type[Exception]
) -> None:
    await call(resources.redis, "SET", "key", "value")
    answers = await asyncio.gather(
        call(resources.redis, "GET", "key"), call(resources.redis, *command), return_exceptions=True
    )
    assert answers[0] == b"value"
    assert isinstance(answers[1], fault)


async def test_a_caller_who_leaves_takes_nobody_along(resources: Resources) -> None:
    leaving = asyncio.create_task(call(resources.redis, "GET", "key"))
    staying = asyncio.create_task(call(resources.redis, "SET", "key", "value"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying
    assert leaving.cancelled()


def test_a_server_that_refuses_every_call_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        kit_redis.report("test refused", ResponseError(f"MISCONF {number}"))
    kit_redis.report("test refused otherwise", ResponseError("MISCONF"))
    assert caplog.text.count("test refused'") + caplog.text.count("test refused otherwise'") == 2
