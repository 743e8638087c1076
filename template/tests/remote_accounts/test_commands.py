"""`app users` of a service whose users are another one's."""

import asyncio
import json

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from app.composition import Resources
from app.kit.ids import new_id
from app.remote_accounts.commands import commands
from app.tasks.models import Task

ANN, BOB = new_id(), new_id()


@pytest.fixture
async def rows(resources: Resources) -> Resources:
    """Resources over a database that has a task of each user."""
    async with resources.database.unit_of_work() as work:
        work.session.add_all(Task(kind="made-up", owner_id=owner, payload={}, language="en") for owner in (ANN, BOB))
    return resources


async def users(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, commands, arguments)


async def left(resources: Resources) -> int:
    async with resources.database.unit_of_work() as work:
        return await work.session.scalar(select(func.count()).select_from(Task)) or 0


async def test_an_export_holds_the_rows_of_one_user(rows: Resources) -> None:
    records = json.loads((await users("export", str(ANN))).stdout)["records"]
    assert [task["owner_id"] for task in records["tasks"]] == [str(ANN)]


async def test_rows_of_one_user_are_erased_once_that_is_confirmed(rows: Resources) -> None:
    assert (await users("erase", str(ANN))).exit_code == 1
    assert await left(rows) == 2
    assert (await users("erase", str(ANN), "--yes")).stdout == "rows removed: 1\n"
    assert await left(rows) == 1
    assert (await users("erase", "ann@example.com", "--yes")).exit_code == 2
