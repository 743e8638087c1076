"""`sampan diff`."""

from pathlib import Path
from typing import Annotated

import typer

from sampan import comparing, console, report
from sampan.commands.render import RefOption, TemplateOption
from sampan.console import JsonOption
from sampan.errors import FINDINGS


def command(
    before: Annotated[Path, typer.Argument(metavar="A", help="Answers file.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Another answers file.")],
    template: TemplateOption = None,
    ref: RefOption = None,
    patch: Annotated[bool, typer.Option("--patch", "-p", help="Print the differences as a patch.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the projects of two answers files: the answers and the rendered files that differ.

    Exits with 1 if they differ. Moved files are recognised.
    """
    with console.working() as step, comparing.template_at(template, ref) as found:
        step("Rendering both")
        comparison = comparing.compare(before, after, found)
    if as_json:
        console.print_json(
            {
                "answers": [{"question": name, "before": first, "after": second} for name, first, second in comparison.answers],
                "changes": [{"path": change.path, "kind": change.kind, "source": change.source} for change in comparison.changes],
            }
        )
    elif patch:
        typer.echo(comparison.patch, nl=False)
    else:
        _print(comparison)
    if comparison.changes:
        raise typer.Exit(FINDINGS)


def _print(comparison: comparing.Comparison) -> None:
    for name, first, second in comparison.answers:
        typer.echo(f"  {name}: {report.written(first)} becomes {report.written(second)}")
    for change in comparison.changes:
        typer.echo(report.line(change))
    kinds = [change.kind for change in comparison.changes]
    counts = [f"{kinds.count(kind)} {kind}" for kind in report.SIGNS if kind in kinds]
    typer.echo(f"Files: {', '.join(counts)}." if counts else "The projects are equal.")
