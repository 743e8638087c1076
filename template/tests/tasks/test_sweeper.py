"""Tasks that Redis lost are queued again, old tasks are removed, and waiting tasks are measured."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import update

from app.composition import Resources
from app.kit import redis as kit_redis
from app.kit.database import Database
from app.kit.ids import first_id, new_id
from app.kit.queue import Queue
from app.settings import Settings
from app.tasks import retention
from app.tasks.backlog import measure
from app.tasks.models import Task, TaskStatus
from app.tasks.retention import remove_old_tasks
from app.tasks.service import request_task
from app.tasks.settings import TasksSettings
from app.tasks.sweeper import sweep
from app.worker import make_worker
from tests.conftest import RunQueue
from tests.tasks.fixtures import Kinds, Word, age, ask, kind, kinds_stored, stored

NOWHERE = "redis://127.0.0.1:1/0"


async def test_a_task_asked_for_while_redis_is_down_is_done_later(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    redis = kit_redis.connect(NOWHERE)
    async with resources.database.unit_of_work() as work:
        task_id = request_task(work, Queue(redis), kind("works"), Word())
    await redis.aclose()
    assert (await stored(resources, task_id)).status == TaskStatus.QUEUED
    await age(resources, task_id)
    await sweep(resources)
    await run_queue()
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED


async def test_the_sweeper_queues_what_redis_lost(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "works")
    await resources.redis.flushdb()
    await sweep(resources)
    await run_queue()
    assert kinds.runs == []  # not overdue yet
    await age(resources, task_id)
    await sweep(resources)
    await run_queue()
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED


async def test_the_sweeper_leaves_alone_what_is_queued(resources: Resources, kinds: Kinds) -> None:
    await age(resources, await ask(resources, "works"))
    before = await resources.redis.dbsize()
    await sweep(resources)
    assert await resources.redis.dbsize() == before


async def test_the_sweeper_queues_what_a_worker_took_and_never_began(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    task_id = await ask(resources, "works")
    await resources.redis.set(f"arq:in-progress:{task_id}:1", "1", ex=300)
    await run_queue_once(resources)
    assert kinds.runs == []
    await age(resources, task_id)
    for _ in range(2):
        await sweep(resources)
    await run_queue_once(resources)
    assert kinds.runs == [1]


async def run_queue_once(resources: Resources) -> None:
    """One look at the queue: what is in progress elsewhere would keep a burst waiting."""
    worker = make_worker(resources, (), burst=True)
    await worker._poll_iteration()
    await asyncio.gather(*worker.tasks.values())


async def test_the_sweeper_revives_what_a_dead_worker_held(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    task_id = await ask(resources, "works")
    await resources.redis.flushdb()
    await age(resources, task_id, status=TaskStatus.RUNNING, attempts=1)
    await sweep(resources)
    await run_queue()
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.SUCCEEDED, 2)


async def test_a_sweep_without_redis_ends_quietly(resources: Resources, kinds: Kinds) -> None:
    await age(resources, await ask(resources, "works"))
    redis, queue = kit_redis.connect(NOWHERE), resources.queue
    resources.queue = Queue(redis)
    await sweep(resources)
    resources.queue = queue
    await redis.aclose()


async def finish(resources: Resources, status: TaskStatus, days: int) -> UUID:
    """A task that was made, and ended, so many days ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    task_id = await ask(resources, "works")
    old = UUID(int=first_id(then).int + task_id.int % 2**60)
    async with resources.database.unit_of_work() as work:
        query = update(Task).where(Task.id == task_id)
        await work.session.execute(query.values(id=old, status=status, finished_at=then, kind=f"{status} {days}"))
    return old


async def test_old_tasks_are_removed_and_dead_letters_later(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 1)
    days = resources.section(TasksSettings).task_retention_days
    for status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.DEAD, TaskStatus.QUEUED):
        await finish(resources, status, days + 1)
    await finish(resources, TaskStatus.SUCCEEDED, days - 1)
    await finish(resources, TaskStatus.DEAD, resources.section(TasksSettings).dead_task_retention_days + 1)
    await remove_old_tasks(resources)
    assert await kinds_stored(resources) == [f"dead {days + 1}", f"queued {days + 1}", f"succeeded {days - 1}"]


def test_the_first_id_of_a_moment_is_older_than_what_is_made_after_it() -> None:
    now = datetime.now(UTC)
    assert first_id(now - timedelta(milliseconds=2)) < new_id() < first_id(now + timedelta(minutes=1))


def gauge(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


async def test_the_backlog_is_measured(resources: Resources, settings: Settings) -> None:
    await measure(resources)
    assert [gauge(name) for name in ("tasks_due", "tasks_due_seconds", "tasks_dead_letters")] == [0, 0, 0]
    await age(resources, await ask(resources, "works"))
    await ask(resources, "works")
    await finish(resources, TaskStatus.DEAD, 3)
    await measure(resources)
    assert [gauge(name) for name in ("tasks_due", "tasks_dead_letters")] == [2, 1]
    assert 300 <= gauge("tasks_due_seconds") < 330


async def test_a_backlog_that_cannot_be_read_stays_as_it_was(resources: Resources, settings: Settings) -> None:
    await measure(resources)
    nowhere = Database(settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"}))
    database, resources.database = resources.database, nowhere
    await measure(resources)
    resources.database = database
    await nowhere.close()
    assert gauge("tasks_due") == 0
