"""Rows of a unit of work: written together or not at all, and cheaply where there is one."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import undefer

from app.composition import Resources
from app.kit.ids import new_id
from app.tasks.models import Task, TaskStatus


def task(task_id: UUID | None = None) -> Task:
    return Task(id=task_id or new_id(), kind="noted", payload={"word": "tea"}, language="en")


async def count(resources: Resources) -> int:
    (row,) = await resources.database.read(select(func.count().label("tasks")).select_from(Task))
    return int(row["tasks"])


@pytest.fixture
def statements(resources: Resources) -> Iterator[list[str]]:
    """Record the statements that the database receives, transactions included."""
    told: list[str] = []
    engine = resources.database.engine.sync_engine
    heard = {
        "begin": lambda _connection: told.append("begin"),
        "commit": lambda _connection: told.append("commit"),
        "before_cursor_execute": lambda *call: told.append(str(call[2]).split()[0].lower()),
    }
    for name, hear in heard.items():
        event.listen(engine, name, hear)
    yield told
    for name, hear in heard.items():
        event.remove(engine, name, hear)


async def test_one_row_alone_is_stored_with_its_defaults(resources: Resources, statements: list[str]) -> None:
    one = task()
    async with resources.database.unit_of_work() as work:
        work.add(one)
    assert "insert" in statements
    assert "commit" not in statements
    async with resources.database.unit_of_work() as work:
        stored = await work.session.get_one(Task, one.id, options=[undefer(Task.payload)])
    assert (stored.status, stored.attempts, stored.payload) == (TaskStatus.QUEUED, 0, {"word": "tea"})
    assert stored.created_at is not None
    assert stored.result is None


async def test_a_unit_without_work_asks_nothing_of_the_database(resources: Resources, statements: list[str]) -> None:
    async with resources.database.unit_of_work():
        pass
    assert statements == []


async def test_a_unit_that_raises_leaves_no_row(resources: Resources) -> None:
    async def stop_after(row: Task) -> None:
        async with resources.database.unit_of_work() as work:
            work.add(row)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        await stop_after(task())
    assert await count(resources) == 0


async def test_of_two_rows_both_are_stored_or_neither(resources: Resources) -> None:
    async def write(*rows: Task) -> None:
        async with resources.database.unit_of_work() as work:
            for row in rows:
                work.add(row)

    taken = new_id()
    await write(task(), task(taken))
    assert await count(resources) == 2
    with pytest.raises(IntegrityError):
        await write(task(), task(taken))
    assert await count(resources) == 2


async def test_a_query_of_the_unit_sees_what_was_added_before_it(resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        work.add(task())
        assert await work.session.scalar(select(func.count()).select_from(Task)) == 1
        work.add(task())
        assert await work.session.scalar(select(func.count()).select_from(Task)) == 2
        assert await count(resources) == 0
    assert await count(resources) == 2


async def test_what_follows_the_commit_does_not_happen_when_the_row_is_refused(resources: Resources) -> None:
    happened: list[str] = []

    async def note() -> None:
        happened.append("told")

    one = new_id()
    for _ in range(2):
        work = resources.database.unit_of_work()
        work.add(task(one))
        work.after_commit(note)
        try:
            await work.commit()
        except IntegrityError:
            happened.append("refused")
    assert happened == ["told", "refused"]
    assert await count(resources) == 1


async def test_a_row_whose_writer_is_cancelled_is_not_stored_and_holds_no_connection(resources: Resources) -> None:
    async def write() -> None:
        async with resources.database.unit_of_work() as work:
            work.add(task())

    async def read() -> None:
        await count(resources)

    async with resources.database.unit_of_work() as work:
        await work.session.execute(text("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE"))
        # More attempts than the pool has connections.
        for _ in range(resources.settings.database_pool_size + 1):
            for attempt in (write, read):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(attempt(), 0.05)
    assert await count(resources) == 0
