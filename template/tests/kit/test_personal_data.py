"""All rows of a user are exported and erased, regardless of their number."""

import json
from uuid import UUID

from sqlalchemy import event, func, select

from app.composition import Resources
from app.kit.ids import new_id
from app.kit.personal_data import UserRows, erase, export
from app.tasks.models import Task

TWO = UserRows(Task, lambda user_id: Task.owner_id == user_id, frozenset({"context"}), batch=2)


async def add(resources: Resources, owner_id: UUID, count: int) -> None:
    async with resources.database.unit_of_work() as work:
        work.session.add_all(
            Task(kind="made-up", owner_id=owner_id, payload={"text": f"รายการ {number}"}, language="en")
            for number in range(count)
        )


async def left(resources: Resources) -> int:
    async with resources.database.unit_of_work() as work:
        return await work.session.scalar(select(func.count()).select_from(Task)) or 0


async def test_an_export_is_complete_and_read_a_batch_at_a_time(resources: Resources) -> None:
    ann, bob = new_id(), new_id()
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    for count in (0, 1, 4, 5):
        await add(resources, ann, count - (await left(resources)))
        engine = resources.database.engine.sync_engine
        statements.clear()
        event.listen(engine, "before_cursor_execute", note)
        document = json.loads(b"".join([piece async for piece in export(resources.database, [TWO], ann)]))
        event.remove(engine, "before_cursor_execute", note)
        rows = document["records"]["tasks"]
        assert [row["payload"]["text"] for row in rows] == [f"รายการ {number}" for number in expected(count)]
        assert "context" not in str(rows)
        assert len(statements) == count // 2 + 1
    assert not [piece async for piece in TWO.read(resources.database, bob)]


def expected(count: int) -> list[int]:
    """Tasks were added in steps: 0, then 1, then 3 more, then 1 more."""
    return [0, 0, 1, 2, 0][:count]


async def test_no_connection_is_held_between_two_pieces(resources: Resources) -> None:
    """A client that reads slowly, or stops, keeps nobody else waiting."""
    ann = new_id()
    await add(resources, ann, 5)
    pieces = export(resources.database, [TWO], ann)
    async for _ in pieces:
        assert resources.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # the pool's class is the kit's


async def test_all_rows_of_a_user_are_removed_and_nobody_elses(resources: Resources) -> None:
    ann, bob = new_id(), new_id()
    await add(resources, ann, 5)
    await add(resources, bob, 3)
    assert await erase(resources.database, [TWO], ann) == 5
    assert await left(resources) == 3
    assert await erase(resources.database, [TWO], ann) == 0


async def test_rows_that_are_kept_stay(resources: Resources) -> None:
    ann = new_id()
    await add(resources, ann, 3)
    kept = UserRows(Task, lambda user_id: Task.owner_id == user_id, kept=True)
    assert await erase(resources.database, [kept], ann) == 0
    assert await left(resources) == 3
