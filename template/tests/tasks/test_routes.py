"""Tasks over HTTP: shown to their owner and to administrators, to nobody else."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import InvalidRequestError

from app.composition import Resources
from app.tasks.repository import TaskRepository
from app.tasks.service import request_task
from tests.identity import SignedIn, SignIn
from tests.tasks.fixtures import Kinds, Word, ask, kind


async def test_a_task_is_shown_to_its_owner_alone(resources: Resources, kinds: Kinds, sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    task_id = await ask(resources, "works", UUID(ann.user_id))
    shown = (await ann.get(f"/v1/tasks/{task_id}")).json()
    assert shown.pop("created_at")
    assert shown == {
        "id": str(task_id),
        "kind": "works",
        "status": "queued",
        "attempts": 0,
        "result": None,
        "problem": None,
        "finished_at": None,
    }
    assert (await bob.get(f"/v1/tasks/{task_id}")).status_code == 404


async def test_a_list_never_reads_what_tasks_work_on(resources: Resources, ann: SignedIn) -> None:
    """100 failed imports of 1 MB in one page took 517 MiB."""
    async with resources.database.unit_of_work() as work:
        for _ in range(3):
            request_task(work, resources.queue, kind("works"), Word(word="x" * 1_000), owner_id=UUID(ann.user_id))
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        statements.append(statement)

    engine = resources.database.engine.sync_engine
    listen(engine, "before_cursor_execute", note)
    try:
        assert len((await ann.get("/v1/tasks?limit=100")).json()["items"]) >= 3
        async with resources.database.unit_of_work() as work:
            tasks = await TaskRepository(work.session).newest(None, 100)
            # Code that uses the column without having requested it fails.
            with pytest.raises(InvalidRequestError):
                _ = tasks[0].payload
    finally:
        remove(engine, "before_cursor_execute", note)
    assert [statement for statement in statements if "tasks" in statement]
    assert not [statement for statement in statements if "payload" in statement]


async def test_an_administrator_sees_every_task(resources: Resources, sign_in: SignIn) -> None:
    root = await sign_in("root@example.com", role="admin")
    task_id = await ask(resources, "works", uuid4())
    assert (await root.get(f"/v1/tasks/{task_id}")).status_code == 200


async def test_a_task_that_is_not_there_is_not_found(ann: SignedIn) -> None:
    assert (await ann.get(f"/v1/tasks/{uuid4()}")).status_code == 404
    assert (await ann.get("/v1/tasks/x")).status_code == 404


async def test_a_user_lists_their_own_tasks_newest_first(resources: Resources, kinds: Kinds, sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    mine = [str(await ask(resources, "works", UUID(bob.user_id))) for _ in range(3)]
    await ask(resources, "works", UUID(ann.user_id))
    seen, cursor = [], ""
    while True:
        page = (await bob.get(f"/v1/tasks?limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"] if item["kind"] == "works"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == mine[::-1]
