"""`sampan fleet status` and `sampan fleet update`."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from sampan import answers, console, fleet
from sampan.answers import DataOption
from sampan.commands.preview import TemplateOption, ToOption
from sampan.console import JsonOption
from sampan.errors import FINDINGS

ListArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Text file with one path or URL of a repository per line.")]
WIDTH = 80
"""Columns of a table that is not printed to a terminal."""

app = typer.Typer(help="Show the state of many projects, and update them.", no_args_is_help=True)


@app.command()
def status(file: ListArgument, template: TemplateOption = None, as_json: JsonOption = False) -> None:
    """Show version, releases behind, drift and edited managed files of each project. Nothing is written.

    Exits with 1 if a project is behind, has a finding or cannot be read.
    """
    with console.working() as step:
        found = fleet.status(fleet.read(file), template=template, step=step)
    if as_json:
        console.print_json([asdict(project) for project in found])
    else:
        _print_table(
            ("Project", "Version", "Behind", "Drift", "Edited", "Other"),
            (
                (
                    project.repository,
                    project.version,
                    "?" if project.error else project.behind or "-",
                    "" if project.error else str(project.count("drift")),
                    "" if project.error else str(project.count("edited")),
                    "" if project.error else str(project.count("answer", "missing", "conflict", "template")),
                )
                for project in found
            ),
            numbers=("Drift", "Edited", "Other"),
        )
        for project in found:
            if project.error:
                console.output().print(f"{project.repository}: {project.error}", markup=False, soft_wrap=True)
    if any(project.error or project.behind or project.findings for project in found):
        raise typer.Exit(FINDINGS)


@app.command()
def update(
    file: ListArgument,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the clones.")] = Path("fleet"),
    to: ToOption = None,
    data: DataOption = None,
    template: TemplateOption = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Confirm that the AWS resources which the updates abandon are destroyed or moved.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Update each project on a branch of a clone, and commit. Nothing is pushed, and your own clones are not touched.

    If a project has a conflict, a refusal or a failure, it is reported, and the others are updated. Exits with 1 in this case.
    """
    repositories, given = fleet.read(file), answers.pairs(data)
    with console.working() as step:
        done = fleet.update(repositories, output, to=to, data=given, template=template, yes=yes, step=step)
    if as_json:
        console.print_json([asdict(project) for project in done])
    else:
        _print_table(
            ("Project", "From", "To", "Result", "Detail"),
            ((project.repository, project.old, project.new, project.result, project.detail) for project in done),
        )
        if pushes := [f"  git -C {project.clone} push origin {project.branch}" for project in done if project.result == "updated"]:
            console.messages().print("\n".join(["Next: look at each clone, run `uv lock`, commit, and push:", *pushes]), soft_wrap=True)
    if any(project.result not in {"updated", "current"} for project in done):
        raise typer.Exit(FINDINGS)


def _print_table(columns: Iterable[str], rows: Iterable[tuple[str, ...]], numbers: tuple[str, ...] = ()) -> None:
    screen = console.output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    screen.print(table, width=None if screen.is_terminal else WIDTH)
