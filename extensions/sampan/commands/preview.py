"""`sampan preview`."""

from pathlib import Path
from typing import Annotated

import typer

from sampan import answers, console, project, report, updating
from sampan.answers import DataOption
from sampan.console import JsonOption
from sampan.errors import FINDINGS

DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.", show_default="the current folder")]
AnswersFileOption = Annotated[str, typer.Option("--answers-file", "-a", metavar="NAME", help="Name of the project's answers file.")]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="REF", help="Version of the template: a tag, branch or commit. Without it, the newest release."),
]
TemplateOption = Annotated[str | None, typer.Option(metavar="URL", help="URL or path of the template, if _src_path is out of date.")]
AllOption = Annotated[bool, typer.Option("--all", help="List every file.")]


def command(
    directory: DirectoryArgument = project.HERE,
    to: ToOption = None,
    data: DataOption = None,
    template: TemplateOption = None,
    answers_file: AnswersFileOption = project.ANSWERS_FILE,
    patch: Annotated[bool, typer.Option("--patch", "-p", help="Print the changes as a patch.")] = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what an update would change, and write nothing. Exits with 1 if the update would conflict.

    Your edits follow files that the template moved. Uncommitted changes are ignored.
    """
    place = project.find(directory, answers_file)
    with (
        console.working() as step,
        updating.planned(place, to=to, data=answers.pairs(data), template=template, step=step) as plan,
    ):
        step("")
        if as_json:
            console.print_json(report.document(plan))
        elif patch:
            typer.echo(plan.patch(), nl=False)
        else:
            report.print_plan(console.output(), plan, everything=everything)
            report.print_losses(console.output(), plan)
        if plan.conflicts:
            raise typer.Exit(FINDINGS)
