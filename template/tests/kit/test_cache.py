"""The cache: one filler, no stale fills, and life without Redis."""

import asyncio

import pytest

from app.kit import cache
from app.kit import redis as kit_redis
from app.kit.cache import ABSENT_SECONDS, Cache
from app.kit.resources import Resources


class Source:
    """A slow source that counts how often it is asked."""

    def __init__(self, value: bytes | None = b"value") -> None:
        self.value = value
        self.asked = 0
        self.began = asyncio.Event()
        self.ends: asyncio.Event | None = None

    async def __call__(self) -> bytes | None:
        self.asked += 1
        self.began.set()
        await (self.ends.wait() if self.ends else asyncio.sleep(0.03))
        return self.value


async def test_a_value_is_filled_once_and_then_hit(resources: Resources) -> None:
    source = Source()
    first = await resources.cache.get_or_fill("key", source)
    second = await resources.cache.get_or_fill("key", source)
    assert (first.hit, second.hit, second.value, source.asked) == (False, True, b"value", 1)


async def test_many_callers_at_once_fill_once(resources: Resources) -> None:
    source = Source()
    answers = await asyncio.gather(*(resources.cache.get_or_fill("key", source) for _ in range(4)))
    assert {answer.value for answer in answers} == {b"value"}
    assert source.asked == 1


async def test_an_absence_is_kept_briefly_and_until_it_is_invalidated(resources: Resources) -> None:
    source = Source(None)
    answers = [await resources.cache.get_or_fill("key", source) for _ in range(2)]
    assert [(answer.value, answer.hit) for answer in answers] == [(None, False), (None, True)]
    assert source.asked == 1
    assert 0 < await resources.redis.ttl("cache:1:{key}") <= ABSENT_SECONDS
    source.value = b"now"
    await resources.cache.invalidate("key")
    assert (await resources.cache.get_or_fill("key", source)).value == b"now"


async def test_another_version_reads_nothing_of_this_one(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    await resources.cache.get_or_fill("key", Source(b"old"))
    monkeypatch.setattr(cache, "VERSION", "2")
    assert (await resources.cache.get_or_fill("key", Source(b"new"))).value == b"new"


async def test_lifetimes_are_spread(resources: Resources) -> None:
    for number in range(20):
        await resources.cache.get_or_fill(f"key-{number}", Source(), ttl=1_000)
    assert len({await resources.redis.ttl(f"cache:1:{{key-{number}}}") for number in range(20)}) > 5


async def test_a_failed_fill_leaves_the_turn_to_the_next(resources: Resources) -> None:
    async def failing() -> bytes:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await resources.cache.get_or_fill("key", failing)
    assert (await resources.cache.get_or_fill("key", Source())).value == b"value"


async def test_an_invalidation_during_a_fill_discards_what_it_read(resources: Resources) -> None:
    source = Source(b"stale")
    source.ends = asyncio.Event()
    stale = asyncio.create_task(resources.cache.get_or_fill("key", source))
    await source.began.wait()
    await resources.cache.invalidate("key")
    source.ends.set()
    assert (await stale).value == b"stale"
    assert (await resources.cache.get_or_fill("key", Source(b"fresh"))).value == b"fresh"


async def test_values_expire_at_about_their_time(resources: Resources) -> None:
    await resources.cache.get_or_fill("key", Source(), ttl=100)
    assert 90 <= await resources.redis.ttl("cache:1:{key}") <= 110


async def test_without_redis_every_read_asks_the_source() -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    without, source = Cache(redis), Source()
    answers = [await without.get_or_fill("key", source) for _ in range(2)]
    await without.invalidate("key")
    assert [answer.value for answer in answers] == [b"value", b"value"]
    assert source.asked == 2
    await redis.aclose()
