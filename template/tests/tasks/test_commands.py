"""`app tasks`."""

import asyncio
import json
from uuid import uuid4

from typer.testing import CliRunner, Result

from app.composition import Resources
from app.tasks.commands import commands
from app.tasks.models import TaskStatus
from app.tasks.runner import run_task
from app.tasks.settings import TasksSettings
from tests.tasks.fixtures import Kinds, age, ask, stored


async def tasks(*arguments: object) -> Result:
    """Run a command in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, commands, [str(argument) for argument in arguments])


async def dead(resources: Resources, kind: str = "works") -> str:
    task_id = await ask(resources, kind)
    await age(resources, task_id, status=TaskStatus.DEAD, attempts=10, problem={"type": "urn:problem:task-gave-up"})
    return str(task_id)


async def test_tasks_are_listed_newest_first_and_by_state(resources: Resources, kinds: Kinds) -> None:
    first, second = await dead(resources), str(await ask(resources, "works"))
    assert [line.split()[:4] for line in (await tasks("list")).stdout.splitlines()] == [
        [second, "queued", "0", "works"],
        [first, "dead", "10", "works"],
    ]
    assert first in (await tasks("list", "--state", "dead")).stdout
    assert second not in (await tasks("list", "--state", "dead")).stdout
    assert len((await tasks("list", "--limit", "1")).stdout.splitlines()) == 1


async def test_a_task_is_shown_without_what_may_be_private(resources: Resources, kinds: Kinds) -> None:
    task_id = await dead(resources)
    shown = json.loads((await tasks("show", task_id)).stdout)
    assert (shown["id"], shown["status"], shown["problem"]["type"]) == (task_id, "dead", "urn:problem:task-gave-up")
    assert "payload" not in shown
    assert json.loads((await tasks("show", task_id, "--payload")).stdout)["payload"] == {"word": "tea"}
    unknown = await tasks("show", uuid4())
    assert (unknown.exit_code, "there is no task" in unknown.output) == (2, True)


async def test_a_dead_task_is_replayed_and_done(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    await age(resources, task_id, status=TaskStatus.DEAD, attempts=10)
    assert (await tasks("replay", task_id)).stdout == f"replayed {task_id}\n"
    row = await stored(resources, task_id)
    assert (row.status, row.problem, row.finished_at) == (TaskStatus.QUEUED, None, None)
    assert row.attempt_limit == 10 + resources.section(TasksSettings).task_attempts
    await run_task(resources, task_id)
    assert ((await stored(resources, task_id)).status, kinds.runs) == (TaskStatus.SUCCEEDED, [11])


async def test_a_replayed_task_has_its_attempts_again(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "breaks")
    await age(resources, task_id, status=TaskStatus.DEAD, attempts=10)
    await tasks("replay", task_id)
    await run_task(resources, task_id)
    assert (await stored(resources, task_id)).status == TaskStatus.QUEUED


async def test_all_dead_tasks_are_replayed_and_no_others(resources: Resources, kinds: Kinds) -> None:
    wanted = {await dead(resources), await dead(resources)}
    failed = await ask(resources, "works")
    await age(resources, failed, status=TaskStatus.FAILED)
    assert {line.split()[1] for line in (await tasks("replay", "--all-dead")).stdout.splitlines()} == wanted
    assert (await stored(resources, failed)).status == TaskStatus.FAILED


async def test_what_was_not_given_up_is_not_replayed(resources: Resources, kinds: Kinds) -> None:
    done = await ask(resources, "works")
    await run_task(resources, done)
    answer = await tasks("replay", done)
    assert answer.exit_code == 1
    assert f"not replayed {done}" in answer.output
    assert (await stored(resources, done)).status == TaskStatus.SUCCEEDED


async def test_ids_or_all_but_not_both(resources: Resources) -> None:
    for arguments in ((), (uuid4(), "--all-dead")):
        assert (await tasks("replay", *arguments)).exit_code == 2
