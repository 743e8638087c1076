"""Leases: only the attempt that holds a task can commit its work, and only until its lease expires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.composition import Resources
from app.kit.database import Database, UnitOfWork
from app.kit.problems import Unavailable
from app.tasks import lease, runner
from app.tasks.models import TaskStatus
from app.tasks.runner import run_task
from tests.tasks.fixtures import Kinds, Word, age, ask, handler, kinds_stored, stored


async def test_an_attempt_that_wakes_after_another_took_over_leaves_no_effect(
    resources: Resources, kinds: Kinds
) -> None:
    task_id = await ask(resources, "waits")
    first = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await age(resources, task_id)  # the first worker was stopped and renewed no lease
    second = asyncio.create_task(run_task(resources, task_id))
    while kinds.runs != [1, 2]:  # noqa: ASYNC110  the handler notes its runs in a list
        await asyncio.sleep(0.01)
    kinds.open.set()
    await asyncio.gather(first, second)
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.SUCCEEDED, 2)
    assert await kinds_stored(resources) == ["effect of 2", "waits"]


async def test_a_failure_that_comes_too_late_changes_nothing(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    first = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await age(resources, task_id)
    resources.task_handlers = {**resources.task_handlers, "waits": handler("waits", kinds.works)}
    await run_task(resources, task_id)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED


async def test_a_held_task_is_left_to_its_holder(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await run_task(resources, task_id)
    assert kinds.runs == [1]
    kinds.open.set()
    await attempt


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal every 50 ms, of a lease of half a second."""
    monkeypatch.setattr(lease, "RENEWALS", 10)
    before = lease.leased

    def leased(*arguments: object) -> object:
        database, task_id, attempt, _lease, seconds = arguments
        return before(database, task_id, attempt, timedelta(seconds=0.5), seconds)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(runner, "leased", leased)


@pytest.mark.usefixtures("short_leases")
async def test_a_lease_is_renewed_for_as_long_as_the_work_takes(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await age(resources, task_id)
    await asyncio.sleep(0.3)
    await run_task(resources, task_id)
    assert kinds.runs == [1]
    kinds.open.set()
    await attempt
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED


@pytest.mark.usefixtures("short_leases")
async def test_an_attempt_whose_lease_is_lost_ends_early(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    first = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    await age(resources, task_id, attempts=7)  # as if another attempt had taken the task
    async with asyncio.timeout(10):
        await first
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.RUNNING, 7)
    assert await kinds_stored(resources) == ["waits"]


@pytest.mark.usefixtures("short_leases")
async def test_a_renewal_that_fails_is_repeated(
    resources: Resources, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = await ask(resources, "waits")
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    whole, failures = Database.unit_of_work, 0

    @asynccontextmanager
    async def failing_twice(self: Database) -> AsyncIterator[UnitOfWork]:
        nonlocal failures
        failures += 1
        if failures <= 2:
            raise Unavailable
        async with whole(self) as work:
            yield work

    monkeypatch.setattr(Database, "unit_of_work", failing_twice)
    while failures < 4:  # noqa: ASYNC110  counted by the function above
        await asyncio.sleep(0.01)
    kinds.open.set()
    await attempt
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED


@pytest.mark.parametrize("error", [TimeoutError(), Unavailable()])
async def test_an_outage_is_logged_without_a_traceback(
    resources: Resources, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_run: object, _payload: Word) -> None:
        raise error

    handlers = resources.task_handlers
    resources.task_handlers = {"fails": handler("fails", fails)}
    task_id = await ask(resources, "fails")
    await run_task(resources, task_id)
    resources.task_handlers = handlers
    assert type(error).__name__ in caplog.text
    assert "Traceback" not in caplog.text


async def test_the_server_ends_the_transaction_of_a_worker_that_stays_away(resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        shown = await work.session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert shown == f"{(resources.settings.job_timeout + 60) // 60}min"


def test_what_is_passing() -> None:
    lost = DBAPIError("SELECT 1", {}, Exception(), connection_invalidated=True)
    assert runner._is_passing(lost)
    assert not runner._is_passing(DBAPIError("SELECT 1", {}, Exception()))
    assert not runner._is_passing(RuntimeError())
