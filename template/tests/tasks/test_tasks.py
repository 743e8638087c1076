"""Tasks: done once, tried again, given up, swept up, and shown to their owner alone."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from app.kit import redis as kit_redis
from app.kit.i18n import N_
from app.kit.problems import Problem
from app.kit.queue import Payload, Queue, TaskHandler, TaskRun
from app.kit.resources import Resources
from app.tasks.models import Task, TaskStatus
from app.tasks.runner import MAX_ATTEMPTS, back_off, run_task
from app.tasks.service import request_task
from app.tasks.sweeper import sweep
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn


class Refused(Problem):
    """A failure for good."""

    slug = "refused"
    detail = N_("Not found")


class Kinds:
    """Handlers of the kinds that these tests use; `runs` notes the attempts."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.blocked = asyncio.Event()

    async def works(self, run: TaskRun, payload: Payload) -> Payload:
        self.runs.append(run.attempt)
        return {"echo": payload["word"], "language": run.language}

    async def breaks(self, run: TaskRun, _payload: Payload) -> None:
        self.runs.append(run.attempt)
        # What a failed attempt wrote must not stay.
        run.work.session.add(Task(kind="left-behind", payload={}, language="en"))
        raise RuntimeError("no")

    async def refuses(self, run: TaskRun, _payload: Payload) -> None:
        self.runs.append(run.attempt)
        raise Refused

    async def waits(self, run: TaskRun, _payload: Payload) -> None:
        self.runs.append(run.attempt)
        self.blocked.set()
        await asyncio.sleep(30)


@pytest.fixture
def kinds(resources: Resources) -> Iterator[Kinds]:
    kinds = Kinds()
    before: Mapping[str, TaskHandler] = resources.task_handlers
    resources.task_handlers = {
        **before,
        "works": kinds.works,
        "breaks": kinds.breaks,
        "refuses": kinds.refuses,
        "waits": kinds.waits,
    }
    yield kinds
    resources.task_handlers = before


async def ask(resources: Resources, kind: str, owner: UUID | None = None) -> UUID:
    async with resources.database.unit_of_work() as work:
        return request_task(work, resources.queue, kind, {"word": "tea"}, owner_id=owner)


async def stored(resources: Resources, task_id: UUID) -> Task:
    async with resources.database.unit_of_work() as work:
        return (await work.session.execute(select(Task).where(Task.id == task_id))).scalar_one()


async def age(resources: Resources, task_id: UUID, **values: object) -> None:
    async with resources.database.unit_of_work() as work:
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        await work.session.execute(update(Task).where(Task.id == task_id).values(due_at=long_ago, **values))


async def test_a_task_is_done_and_its_result_kept(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "works")
    await run_queue()
    task = await stored(resources, task_id)
    assert (task.status, task.result, task.attempts) == ("succeeded", {"echo": "tea", "language": "en"}, 1)
    assert task.finished_at is not None


async def test_a_rolled_back_unit_of_work_leaves_no_task(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    async def fail_after_asking() -> None:
        async with resources.database.unit_of_work() as work:
            request_task(work, resources.queue, "works", {"word": "tea"})
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await fail_after_asking()
    await run_queue()
    assert kinds.runs == []


async def test_a_finished_task_does_not_run_again(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "works")
    await run_queue()
    await run_task(resources, task_id)
    assert kinds.runs == [1]


async def test_two_workers_at_once_do_a_task_once(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    await asyncio.gather(*(run_task(resources, task_id) for _ in range(2)))
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    assert len(kinds.runs) == 1


async def test_a_failed_attempt_leaves_nothing_and_is_repeated_later(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "breaks")
    await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.QUEUED, 1)
    assert task.due_at > datetime.now(UTC)
    async with resources.database.unit_of_work() as work:
        assert len((await work.session.execute(select(Task))).scalars().all()) == 1


async def test_a_task_is_given_up_after_its_last_attempt(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "breaks")
    for _ in range(MAX_ATTEMPTS + 1):
        await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, kinds.runs) == (TaskStatus.FAILED, [1, 2, 3, 4, 5])
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-gave-up"
    assert "5" in str(task.problem["detail"])


async def test_a_problem_fails_a_task_for_good(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "refuses")
    await run_queue()
    task = await stored(resources, task_id)
    assert task.status == TaskStatus.FAILED
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:refused"
    assert kinds.runs == [1]


async def test_an_unknown_kind_fails(resources: Resources, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "nobody-does-this")
    await run_queue()
    task = await stored(resources, task_id)
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-unknown"


async def test_an_attempt_that_a_shutdown_cuts_off_is_repeated_at_once(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.QUEUED, 1)
    assert task.due_at <= datetime.now(UTC)


async def test_a_task_asked_for_while_redis_is_down_is_done_later(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    async with resources.database.unit_of_work() as work:
        task_id = request_task(work, Queue(redis), "works", {"word": "tea"})
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


async def test_the_sweeper_revives_what_a_dead_worker_held(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    task_id = await ask(resources, "works")
    await resources.redis.flushdb()
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    await age(resources, task_id, status=TaskStatus.RUNNING, attempts=1, started_at=long_ago)
    await sweep(resources)
    await run_queue()
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.SUCCEEDED, 2)


async def test_the_sweeper_leaves_alone_what_a_living_worker_holds(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    task_id = await ask(resources, "waits")
    await resources.redis.flushdb()
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await run_task(resources, task_id)
    assert kinds.runs == [1]
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)


def test_pauses_grow_and_vary() -> None:
    pauses = [[back_off(attempt).total_seconds() for _ in range(50)] for attempt in (1, 2, 3)]
    for attempt, found in enumerate(pauses, start=1):
        assert 2**attempt * 0.5 <= min(found) < max(found) <= 2**attempt * 1.5


async def test_a_task_is_shown_to_its_owner_alone(resources: Resources, kinds: Kinds, sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    task_id = await ask(resources, "works", UUID(ann.user_id))
    shown = await ann.get(f"/v1/tasks/{task_id}")
    assert shown.json() == {"id": str(task_id), "kind": "works", "status": "queued", "result": None, "problem": None}
    assert (await bob.get(f"/v1/tasks/{task_id}")).status_code == 404


async def test_an_administrator_sees_every_task(resources: Resources, sign_in: SignIn) -> None:
    root = await sign_in("root@example.com", role="admin")
    task_id = await ask(resources, "works", uuid4())
    assert (await root.get(f"/v1/tasks/{task_id}")).status_code == 200


async def test_a_task_that_is_not_there_is_not_found(ann: SignedIn) -> None:
    assert (await ann.get(f"/v1/tasks/{uuid4()}")).status_code == 404
    assert (await ann.get("/v1/tasks/x")).status_code == 422
