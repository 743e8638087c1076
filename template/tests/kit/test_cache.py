"""The cache: one filler, no stale fills, and life without Redis."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel, computed_field

from app.composition import Resources
from app.kit import cache
from app.kit import redis as kit_redis
from app.kit.cache import ABSENT_SECONDS, Cache, schema_hash
from tests.cached import entries, put


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
    assert 0 < await resources.redis.ttl("cache:2:{key}") <= ABSENT_SECONDS
    source.value = b"now"
    await resources.cache.invalidate("key")
    assert (await resources.cache.get_or_fill("key", source)).value == b"now"


async def test_another_version_reads_nothing_of_this_one(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    await resources.cache.get_or_fill("key", Source(b"old"))
    monkeypatch.setattr(cache, "VERSION", "3")
    assert (await resources.cache.get_or_fill("key", Source(b"new"))).value == b"new"


async def test_lifetimes_are_spread(resources: Resources) -> None:
    for number in range(20):
        await resources.cache.get_or_fill(f"key-{number}", Source(), ttl=1_000)
    assert len({await resources.redis.ttl(f"cache:2:{{key-{number}}}") for number in range(20)}) > 5


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
    assert 90 <= await resources.redis.ttl("cache:2:{key}") <= 110


async def test_without_redis_every_read_asks_the_source() -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    without, source = Cache(redis), Source()
    answers = [await without.get_or_fill("key", source) for _ in range(2)]
    await without.invalidate("key")
    assert [answer.value for answer in answers] == [b"value", b"value"]
    assert source.asked == 2
    await redis.aclose()


class Old(BaseModel):
    """A model before a field is added."""

    name: str

    @computed_field
    def shout(self) -> str:
        """Is not stored."""
        return self.name.upper()


class New(BaseModel):
    """The same model, one release later."""

    name: str
    colour: str


async def old() -> Old:
    return Old(name="tea")


async def new() -> New:
    return New(name="tea", colour="green")


async def test_models_are_cached_without_their_computed_fields(resources: Resources) -> None:
    cached = resources.cache.of(Old, "thing")
    answers = [await cached.get_or_fill("1", old) for _ in range(2)]
    assert [(answer.value, answer.hit) for answer in answers] == [(Old(name="tea"), False), (Old(name="tea"), True)]
    assert await entries(resources, "cache:2:{thing:1}") == {schema_hash(Old).encode(): b'{"name":"tea"}'}


async def test_two_schemas_read_entries_of_their_own_and_are_invalidated_together(resources: Resources) -> None:
    before, after = resources.cache.of(Old, "thing"), resources.cache.of(New, "thing")
    for _ in range(2):
        assert (await before.get_or_fill("1", old)).value == Old(name="tea")
        assert (await after.get_or_fill("1", new)).value == New(name="tea", colour="green")
    assert len(await entries(resources, "cache:2:{thing:1}")) == 2
    await after.invalidate("1")
    assert not (await before.get_or_fill("1", old)).hit
    assert not (await after.get_or_fill("1", new)).hit


async def test_an_entry_of_one_schema_extends_no_other(resources: Resources) -> None:
    await resources.cache.of(Old, "thing").get_or_fill("1", old, ttl=100)
    await resources.cache.of(New, "thing").get_or_fill("1", new, ttl=1_000)
    assert 90 <= await resources.redis.ttl("cache:2:{thing:1}") <= 110


@pytest.mark.parametrize("entry", [b"{}", b"not JSON", b"\xff"])
async def test_an_entry_that_cannot_be_read_is_a_miss_and_counted(resources: Resources, entry: bytes) -> None:
    await put(resources, "cache:2:{thing:1}", schema_hash(Old), entry)
    counts = cache_counts()
    cached = resources.cache.of(Old, "thing")
    assert await cached.get_or_fill("1", old) == cache.Cached(Old(name="tea"), hit=False)
    assert (await cached.get_or_fill("1", old)).hit
    assert [now - before for now, before in zip(cache_counts(), counts, strict=True)] == [1, 1, 1]


def cache_counts() -> list[float]:
    names = ("cache_hits_total", "cache_misses_total", "cache_unreadable_total")
    return [REGISTRY.get_sample_value(name) or 0 for name in names]
