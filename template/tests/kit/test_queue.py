"""The queue's entries compared with ARQ's own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis
from arq.constants import default_queue_name, job_key_prefix, result_key_prefix

from app.composition import Resources
from app.kit.queue import RUN_TASK, deserialize_job, serialize_job

# How far the clock moves between two calls, in milliseconds.
MOMENT = 2_000


async def queued(redis: Any, name: str) -> tuple[dict[str, Any], float, int]:
    """A job, when it is due, and how long it is kept, milliseconds both."""
    key = job_key_prefix + name
    return deserialize_job(await redis.get(key)), await redis.zscore(default_queue_name, name), await redis.pttl(key)


async def test_a_job_is_what_arq_itself_would_write(resources: Resources) -> None:
    arq = ArqRedis(connection_pool=resources.redis.connection_pool, job_serializer=serialize_job)
    for due in (None, datetime.now(UTC) + timedelta(minutes=5)):
        task_id = uuid4()
        await resources.queue.push(task_id, 1, due)
        await arq.enqueue_job(RUN_TASK, str(task_id), _job_id="arq's", _defer_until=due)
        job, score, kept = await queued(resources.redis, f"{task_id}:1")
        expected, expected_score, expected_kept = await queued(resources.redis, "arq's")
        assert abs(job.pop("et") - expected.pop("et")) < MOMENT
        assert job == expected
        assert abs(score - expected_score) < MOMENT
        assert abs(kept - expected_kept) < MOMENT
        await resources.redis.flushdb()


async def test_an_attempt_is_queued_once(resources: Resources) -> None:
    task_id = uuid4()
    await resources.queue.push(task_id, 1)
    first = await queued(resources.redis, f"{task_id}:1")
    await resources.queue.push(task_id, 1, datetime.now(UTC) + timedelta(hours=1))
    assert (await queued(resources.redis, f"{task_id}:1"))[:2] == first[:2]
    await resources.queue.push(task_id, 2)
    assert await resources.redis.zcard(default_queue_name) == 2


async def test_an_attempt_that_has_a_result_is_not_queued(resources: Resources) -> None:
    task_id = uuid4()
    await resources.redis.set(f"{result_key_prefix}{task_id}:1", "1")
    await resources.queue.push(task_id, 1)
    assert await resources.redis.zcard(default_queue_name) == 0


async def test_a_script_that_the_server_forgot_is_sent_again(resources: Resources) -> None:
    await resources.queue.push(uuid4(), 1)
    await resources.redis.script_flush()
    await resources.queue.push(uuid4(), 1)
    assert await resources.redis.zcard(default_queue_name) == 2
