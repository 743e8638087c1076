"""The worker: its life cycle, outages, and shutdown."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from arq.worker import Worker
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import WatchError
from structlog.testing import CapturingLogger

from app.composition import CronJob, Feature, Resources, discover
from app.dev.services import free_port
from app.kit.problems import Unavailable
from app.kit.queue import Queue
from app.settings import Settings
from app.tasks.models import TaskStatus
from app.worker import Places, WorkerProcess, _Lane, _note_failure, make_worker
from tests.conftest import RunQueue
from tests.tasks.fixtures import Kinds, ask, handler, stored


@asynccontextmanager
async def process(settings: Settings, features: tuple[Feature, ...], **values: object) -> AsyncIterator[WorkerProcess]:
    """A worker in this event loop, up and answering; stopped at the end of the block, and waited for.

    It polls for tasks and for its shutdown more often than outside tests.
    """
    own = settings.model_copy(update={"worker_port": free_port(), "job_completion_wait": 0, **values})
    worker = WorkerProcess(own, features, "127.0.0.1")
    running = asyncio.create_task(worker.run())
    loop = asyncio.get_running_loop()
    often = pytest.MonkeyPatch()
    for name in ("POLL", "HEALTH_LOOK"):
        often.setattr(f"app.worker.{name}", 0.05)
    try:
        async with asyncio.timeout(20), httpx.AsyncClient() as client:
            while True:
                with suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{own.worker_port}/live")).status_code == 200:
                        break
                await asyncio.sleep(0.02)
        yield worker
        worker._stop(signal.SIGTERM)
        async with asyncio.timeout(20):
            await running
    finally:
        often.undo()
        running.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def with_kinds(kinds: Kinds, *, bulk: bool = False) -> tuple[Feature, ...]:
    handlers = handler("works", kinds.works), handler("waits", kinds.waits, bulk=bulk)
    return (*discover(), Feature(name="kinds", task_handlers=handlers))


async def until(resources: Resources, task_id: Any, status: TaskStatus) -> None:
    async with asyncio.timeout(60):
        while (await stored(resources, task_id)).status != status:  # noqa: ASYNC110  a row tells nobody
            await asyncio.sleep(0.05)


def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Have the next look at the queue fail as it does when Redis is gone. Returns a note of it, once it happened."""
    failures: list[str] = []
    look = Worker._poll_iteration

    async def fail(worker: Worker) -> None:
        if not failures:
            failures.append("failed")
            raise error
        await look(worker)

    monkeypatch.setattr(Worker, "_poll_iteration", fail)
    return failures


async def test_a_worker_does_what_is_queued_and_ends_when_told(
    resources: Resources, settings: Settings, kinds: Kinds
) -> None:
    async with process(settings, with_kinds(kinds)):
        await until(resources, await ask(resources, "works"), TaskStatus.SUCCEEDED)
        cut_off = await ask(resources, "waits")
        await until(resources, cut_off, TaskStatus.RUNNING)
    assert (await stored(resources, cut_off)).status == TaskStatus.QUEUED


@pytest.mark.parametrize("error", [RedisConnectionError("gone"), WatchError("gone in the middle")])
async def test_a_worker_goes_on_after_redis_fails_and_jobs_under_way_go_on_meanwhile(
    resources: Resources, settings: Settings, kinds: Kinds, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("app.worker.RECONNECT_PAUSE", 0.05)
    async with process(settings, with_kinds(kinds)):
        long = await ask(resources, "waits")
        await until(resources, long, TaskStatus.RUNNING)
        failures = fail_once(monkeypatch, error)
        await until(resources, await ask(resources, "works"), TaskStatus.SUCCEEDED)
        assert (await stored(resources, long)).status == TaskStatus.RUNNING
        assert failures == ["failed"]
        kinds.open.set()
        await until(resources, long, TaskStatus.SUCCEEDED)


@pytest.mark.parametrize(("concurrency", "pool", "bulk"), [(10, 5, 2), (10, 3, 1), (10, 1, 1), (2, 20, 1), (10, 20, 5)])
def test_bulk_tasks_get_half_of_the_connections_for_jobs_at_most(
    settings: Settings, concurrency: int, pool: int, bulk: int
) -> None:
    own = settings.model_copy(update={"worker_concurrency": concurrency, "database_pool_size": pool})
    assert WorkerProcess(own, (), "127.0.0.1")._most_bulk_jobs() == bulk


@pytest.mark.parametrize("pool", [1, 3])
async def test_tasks_that_wait_hold_no_connection_so_all_places_are_used(
    resources: Resources, settings: Settings, kinds: Kinds, monkeypatch: pytest.MonkeyPatch, pool: int
) -> None:
    """Ten tasks wait for another server at once, on a pool of three connections and on one alone."""
    # The module's logger may already be configured and cached, and `capture_logs` would then see nothing.
    log = CapturingLogger()
    monkeypatch.setattr("app.worker.log", log)
    tasks = [await ask(resources, "idles") for _ in range(11)]
    features = (*discover(), Feature(name="kinds", task_handlers=[handler("idles", kinds.idles)]))
    async with process(settings, features, database_pool_size=pool, worker_concurrency=10):
        async with asyncio.timeout(60):
            while len(kinds.runs) < 10:  # noqa: ASYNC110  tasks tell nobody
                await asyncio.sleep(0.02)
        # Enough for six polls.
        await asyncio.sleep(0.3)
        assert len(kinds.runs) == 10
        kinds.open.set()
        for task_id in tasks:
            await until(resources, task_id, TaskStatus.SUCCEEDED)
    assert kinds.runs == [1] * 11
    [started] = [call.kwargs for call in log.calls if call.args == ("worker started",)]
    assert (started["concurrency"], started["bulk_concurrency"]) == (10, 1)


async def test_tasks_that_use_more_connections_than_there_are_take_turns(
    resources: Resources, settings: Settings, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs wait longer than the pool's time-out, their leases are extended, and none is retried."""
    monkeypatch.setattr("app.kit.database.POOL_TIMEOUT", 0.3)
    monkeypatch.setattr("app.tasks.lease.RENEWALS", 12)
    tasks = [await ask(resources, "queries") for _ in range(6)]
    features = (*discover(), Feature(name="kinds", task_handlers=[handler("queries", kinds.queries)]))
    monkeypatch.setenv("TASK_LEASE", "3")
    async with process(settings, features, database_pool_size=3, worker_concurrency=10):
        for task_id in tasks:
            await until(resources, task_id, TaskStatus.SUCCEEDED)
    assert kinds.runs == [1] * 6
    assert kinds.most == 2


async def test_mail_does_not_wait_behind_bulk_tasks(
    resources: Resources, settings: Settings, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bulk tasks hold half of the connections for jobs at most, however many wait: here two of four."""
    monkeypatch.setattr(resources, "queue", Queue(resources.redis, bulk=["waits"]))
    bulk = [await ask(resources, "waits") for _ in range(6)]
    async with process(settings, with_kinds(kinds, bulk=True), database_pool_size=5):
        await until(resources, await ask(resources, "works"), TaskStatus.SUCCEEDED)
        states = [(await stored(resources, task_id)).status for task_id in bulk]
        assert states.count(TaskStatus.RUNNING) <= 2
        kinds.open.set()
        for task_id in bulk:
            await until(resources, task_id, TaskStatus.SUCCEEDED)


async def test_one_suspect_runs_at_a_time_among_others() -> None:
    places, running, most = Places(4), set[str](), 0

    async def job(name: str) -> None:
        nonlocal most
        async with places.one(suspect=name.startswith("suspect")):
            running.add(name)
            most = max(most, sum(other.startswith("suspect") for other in running))
            await asyncio.sleep(0.01)
            running.discard(name)

    await asyncio.gather(*(job(f"{kind} {number}") for kind in ("suspect", "other") for number in range(5)))
    assert most == 1


async def test_an_outage_ends_a_job_or_a_cron_job_with_one_line(
    resources: Resources, run_queue: RunQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_arguments: object) -> None:
        raise Unavailable

    monkeypatch.setattr("app.worker.run_task", fails)
    task_id = await ask(resources, "works")
    await run_queue()
    cron = make_worker(resources, (Feature(name="x", cron=(CronJob("fails", fails),)),)).cron_jobs[0]
    await cron.coroutine({})
    assert all(text in caplog.text for text in ("attempt not recorded", str(task_id), "cron job did not end"))
    assert "Traceback" not in caplog.text


async def test_a_worker_ends_though_a_call_swallows_the_first_cancellation(
    resources: Resources, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancellations = 0

    async def main() -> None:
        nonlocal cancellations
        while cancellations < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancellations += 1

    worker = make_worker(resources, ())
    monkeypatch.setattr(worker, "main", main)
    running = asyncio.create_task(worker.async_run())
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        await WorkerProcess(settings, (), "127.0.0.1")._finish(worker, running, _Lane("arq:queue", (), 1))
    assert cancellations == 2
    assert running.done()


async def test_a_job_that_fails_after_its_queue_went_away_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def ends(error: Exception | None) -> None:
        if error:
            raise error

    for error in (None, RuntimeError("gone")):
        job = asyncio.create_task(ends(error))
        await asyncio.wait({job})
        _note_failure(job)
    assert caplog.text.count("could not be taken off the queue") == 1
