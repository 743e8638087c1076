"""Kinds of tasks for tests, and a look at the rows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import select, text, update
from sqlalchemy.orm import undefer

from app.composition import Resources, TaskHandler, TaskRun
from app.kit.i18n import N_
from app.kit.problems import Problem, Unavailable
from app.kit.queue import Payload, TaskKind
from app.tasks.models import Task
from app.tasks.service import request_task

LONG_AGO = timedelta(minutes=5)


class Word(BaseModel):
    """The payload of tests' tasks."""

    word: str = "tea"


def kind(name: str, *, bulk: bool = False) -> TaskKind[Word]:
    """A kind of task on a word."""
    return TaskKind(name, Word, bulk=bulk)


def handler(
    name: str, function: Callable[[TaskRun, Word], Awaitable[Payload | None]], *, bulk: bool = False
) -> TaskHandler[Word]:
    """A handler of tasks on a word."""
    return TaskHandler(kind(name, bulk=bulk), function)


class Refused(Problem):
    """A failure for good."""

    slug = "refused"
    detail = N_("Not found")


class Kinds:
    """Handlers of the kinds that tests use; `runs` notes the attempts, `open` lets `waits` go on."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.querying = self.most = 0
        self.blocked = asyncio.Event()
        self.open = asyncio.Event()

    async def works(self, run: TaskRun, payload: Word) -> Payload:
        self.runs.append(run.attempt)
        return {"echo": payload.word, "language": run.language}

    async def breaks(self, run: TaskRun, _payload: Word) -> None:
        self.runs.append(run.attempt)
        # The row must be rolled back when the attempt fails.
        run.work.session.add(Task(kind="left-behind", payload={}, language="en"))
        raise RuntimeError("no")

    async def refuses(self, run: TaskRun, _payload: Word) -> None:
        self.runs.append(run.attempt)
        raise Refused

    async def misses_a_part(self, run: TaskRun, _payload: Word) -> None:
        self.runs.append(run.attempt)
        raise Unavailable

    async def waits(self, run: TaskRun, _payload: Word) -> None:
        self.runs.append(run.attempt)
        run.work.session.add(Task(kind=f"effect of {run.attempt}", payload={}, language="en"))
        self.blocked.set()
        await self.open.wait()

    async def idles(self, run: TaskRun, _payload: Word) -> None:
        """Wait without a connection, as for a mail server."""
        self.runs.append(run.attempt)
        await self.open.wait()

    async def queries(self, run: TaskRun, _payload: Word) -> None:
        """Hold a connection for a while."""
        self.runs.append(run.attempt)
        connection = await run.work.session.connection()
        self.querying += 1
        self.most = max(self.most, self.querying)
        await connection.execute(text("SELECT pg_sleep(0.4)"))
        self.querying -= 1


@pytest.fixture
def kinds(resources: Resources) -> Iterator[Kinds]:
    """Replace the service's handlers with these."""
    kinds = Kinds()
    before: Mapping[str, TaskHandler[Any]] = resources.task_handlers
    own = {
        "works": kinds.works,
        "breaks": kinds.breaks,
        "refuses": kinds.refuses,
        "misses a part": kinds.misses_a_part,
        "waits": kinds.waits,
    }
    resources.task_handlers = {**before, **{name: handler(name, function) for name, function in own.items()}}
    yield kinds
    resources.task_handlers = before


async def ask(resources: Resources, name: str, owner: UUID | None = None, within: timedelta | None = None) -> UUID:
    """Ask for a task and return its id."""
    async with resources.database.unit_of_work() as work:
        return request_task(work, resources.queue, kind(name), Word(), owner_id=owner, within=within)


async def stored(resources: Resources, task_id: UUID) -> Task:
    """Return the current row of a task."""
    async with resources.database.unit_of_work() as work:
        return (
            await work.session.execute(select(Task).where(Task.id == task_id).options(undefer(Task.payload)))
        ).scalar_one()


async def kinds_stored(resources: Resources) -> list[str]:
    """The kinds of all rows."""
    async with resources.database.unit_of_work() as work:
        return sorted((await work.session.execute(select(Task.kind))).scalars())


async def age(resources: Resources, task_id: UUID, **values: object) -> None:
    """Make a task due, and its lease run out, five minutes ago."""
    past = datetime.now(UTC) - LONG_AGO
    async with resources.database.unit_of_work() as work:
        query = update(Task).where(Task.id == task_id)
        await work.session.execute(query.values({"due_at": past, "lease_until": past, **values}))
