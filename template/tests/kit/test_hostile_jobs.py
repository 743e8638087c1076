"""Queue entries that this service did not write are dropped and counted, and do not stop the worker."""

import json
import math

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis

from app.composition import Resources
from app.kit.guarded_worker import JOBS_DROPPED
from app.kit.queue import BULK_QUEUE, QUICK_QUEUE
from app.tasks.models import TaskStatus
from app.worker import make_worker
from tests.tasks.fixtures import Kinds, ask, stored

# Constant, because it must be the same in every process that collects these tests.
NOBODYS = "018f0000-0000-7000-8000-000000000000"
NAME = f"{NOBODYS}:1".encode()
SOUND: dict[str, object] = {"f": "run_task", "a": [NOBODYS], "k": {}, "t": None, "et": 1_700_000_000_000}


def job(**fields: object) -> bytes:
    return json.dumps({**SOUND, **fields}).encode()


def dropped() -> float:
    (family,) = JOBS_DROPPED.collect()
    return next(sample.value for sample in family.samples if sample.name == "jobs_dropped_total")


async def run(resources: Resources, queue: str = QUICK_QUEUE) -> None:
    await make_worker(resources, (), queue=queue, burst=True, poll=0.01).async_run()


async def put(redis: Redis, content: bytes, name: bytes = NAME, queue: str = QUICK_QUEUE, score: float = 1) -> None:
    await redis.set(job_key_prefix.encode() + name, content)
    await redis.zadd(queue, {name: score})


@pytest.mark.parametrize("queue", [QUICK_QUEUE, BULK_QUEUE])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04K\x01.",
        b"null",
        b"[]",
        b"{}",
        b"[" * 20_000,
        job(f="os.system"),
        job(f=["run_task"]),
        job(f=None),
        job(et="yesterday"),
        job(et=10**30),
        job(et=None),
        job(t="x"),
        job(t=[]),
        job(t=10**9),
        job(a=5),
        job(a=[]),
        job(a=["no task"]),
        job(a=[["x"]]),
        job(a=[None]),
        job(a=[NOBODYS, True, 1, 2]),
        job(k=[]),
        job(k={"ctx": 1}),
    ],
)
async def test_a_job_of_another_form_is_removed_and_the_next_one_runs(
    resources: Resources, kinds: Kinds, content: bytes, queue: str
) -> None:
    await put(resources.redis, content, queue=queue)
    task_id = await ask(resources, "works")
    await run(resources, queue)
    if queue != QUICK_QUEUE:
        await run(resources)
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    assert await resources.redis.zcard(queue) == 0


@pytest.mark.parametrize(
    ("name", "score"),
    [(b"\xff\xfe", 1), (b"x" * 10_000, 1), (b"\xc3\xa9:1", 1), (NAME, -math.inf), (NAME, 0), (NAME, -5)],
)
async def test_an_entry_with_another_name_or_score_is_removed_and_counted(
    resources: Resources, kinds: Kinds, name: bytes, score: float
) -> None:
    before = dropped()
    await put(resources.redis, job(), name, score=score)
    task_id = await ask(resources, "works")
    await run(resources)
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    assert await resources.redis.zcard(QUICK_QUEUE) == 0
    assert dropped() == before + 1


@pytest.mark.parametrize("prefix", [job_key_prefix, retry_key_prefix])
async def test_a_job_whose_keys_hold_something_else_is_removed_and_counted(
    resources: Resources, kinds: Kinds, prefix: str
) -> None:
    before = dropped()
    await put(resources.redis, job())
    await resources.redis.delete(prefix.encode() + NAME)
    await resources.redis.hset(prefix + NAME.decode(), "a", "b")  # type: ignore[misc]  # redis-py types it both ways
    task_id = await ask(resources, "works")
    await run(resources)
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    assert await resources.redis.zcard(QUICK_QUEUE) == 0
    assert await resources.redis.exists(in_progress_key_prefix.encode() + NAME) == 0
    assert dropped() == before + 1


async def test_what_cannot_be_run_is_counted(resources: Resources, kinds: Kinds) -> None:
    before = dropped()
    for number, content in enumerate((b"", b"[]", job(f="os.system"), job(f=[]), job(et="x"), job(a=["no task"]))):
        await put(resources.redis, content, f"{NOBODYS}:{number}".encode())
    await run(resources)
    assert dropped() == before + 6
