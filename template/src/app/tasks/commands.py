"""`app tasks`: list waiting and failed tasks, and retry dead letters."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from sqlalchemy import ColumnElement

from app.composition import Resources, discover, open_resources
from app.settings import Settings
from app.tasks.models import Task, TaskStatus
from app.tasks.repository import TaskRepository
from app.tasks.service import replay

_Result = TypeVar("_Result")

commands = typer.Typer(name="tasks", help="List and show tasks, and retry dead ones.", no_args_is_help=True)

_SHOWN = (
    "id", "kind", "status", "attempts", "owner_id", "request_id", "language", "created_at", "due_at", "deadline_at",
    "started_at", "finished_at", "result", "problem",
)  # fmt: skip


@commands.command("list")
def list_tasks(
    state: Annotated[TaskStatus | None, typer.Option(help="Only tasks in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Maximum number of tasks, newest first.")] = 20,
) -> None:
    """List tasks, one per line: id, state, attempts, kind, time of creation."""

    async def newest(resources: Resources) -> list[str]:
        async with resources.database.unit_of_work() as work:
            return [_line(task) for task in await TaskRepository(work.session).newest(state, limit)]

    for line in _run(newest):
        typer.echo(line)


@commands.command()
def show(
    task_id: Annotated[UUID, typer.Argument(help="Id of the task.")],
    payload: Annotated[bool, typer.Option("--payload", help="Include the task's input, which may be private.")] = False,
) -> None:
    """Show a task as JSON."""

    async def get(resources: Resources) -> Task | None:
        async with resources.database.unit_of_work() as work:
            return await TaskRepository(work.session).get(task_id)

    task = _run(get)
    if task is None:
        raise typer.BadParameter(f"there is no task {task_id}")
    names = (*_SHOWN, "payload") if payload else _SHOWN
    typer.echo(json.dumps({name: getattr(task, name) for name in names}, indent=2, default=str, ensure_ascii=False))


@commands.command("replay")
def replay_tasks(
    task_ids: Annotated[list[UUID] | None, typer.Argument(help="Ids of dead or failed tasks.")] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All dead letters.")] = False,
) -> None:
    """Retry dead or failed tasks. Their owners stay the same."""
    if bool(task_ids) == all_dead:
        raise typer.BadParameter("give ids, or --all-dead")
    wanted: ColumnElement[bool] = Task.status == TaskStatus.DEAD if all_dead else Task.id.in_(task_ids or [])
    replayed = _run(lambda resources: replay(resources, wanted))
    for task_id in replayed:
        typer.echo(f"replayed {task_id}")
    missing = set(task_ids or ()) - set(replayed)
    for task_id in sorted(missing):
        why = "no task of this id is dead or failed, or its payload was removed after TASK_PAYLOAD_DAYS"
        typer.echo(f"not replayed {task_id}: {why}", err=True)
    if missing:
        raise typer.Exit(1)


def _line(task: Task) -> str:
    return f"{task.id}  {task.status:<9}  {task.attempts:>3}  {task.kind}  {task.created_at:%Y-%m-%dT%H:%M:%SZ}"


def _run(action: Callable[[Resources], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        async with open_resources(Settings.load(), discover()) as resources:
            return await action(resources)

    return asyncio.run(run())
