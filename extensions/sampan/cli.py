"""The `sampan` command: one module per command in `sampan.commands`, and one way to end.

Exit codes are in `sampan.errors`. A mistake of the user is a line on standard error and never a traceback; a traceback is a fault of
`sampan`. With `--json`, standard output holds one JSON document and nothing else.
"""

import sys
from typing import Annotated

import typer

from sampan import console
from sampan.commands import cost, diff, doctor, fleet, lint, matrix, new, packages, preview, prices, questions, render, schema, update, web
from sampan.errors import INTERRUPTED, OK, REFUSED

PROJECTS = "Projects"
ANSWERS = "Answers"
TEMPLATE = "Work on the template"

app = typer.Typer(
    name="sampan",
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

app.command("new", rich_help_panel=PROJECTS)(new.command)
app.command("web", rich_help_panel=PROJECTS)(web.command)
app.command("update", rich_help_panel=PROJECTS)(update.command)
app.command("preview", rich_help_panel=PROJECTS)(preview.command)
app.command("doctor", rich_help_panel=PROJECTS)(doctor.command)
app.add_typer(fleet.app, name="fleet", rich_help_panel=PROJECTS)
app.command("lint", rich_help_panel=ANSWERS)(lint.command)
app.command("questions", rich_help_panel=ANSWERS)(questions.command)
app.command("render", rich_help_panel=ANSWERS)(render.command)
app.command("diff", rich_help_panel=ANSWERS)(diff.command)
app.command("schema", rich_help_panel=ANSWERS)(schema.command)
app.command("cost", rich_help_panel=ANSWERS)(cost.command)
app.command("matrix", rich_help_panel=TEMPLATE)(matrix.command)
app.command("packages", rich_help_panel=TEMPLATE)(packages.command)
app.command("prices", rich_help_panel=TEMPLATE)(prices.command)


def _version(value: bool) -> None:  # noqa: FBT001  # the signature of an option's callback
    if value:
        from importlib.metadata import version  # noqa: PLC0415  # only this option needs it

        typer.echo(f"sampan {version('sampan')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def sampan(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,  # noqa: ARG001, FBT002  # Typer's way
) -> None:
    """Create FastAPI microservices on AWS from the Sampan template, and keep them up to date.

    Exit codes: 0 done; 1 there are findings, such as differences or drift; 2 refused or wrong usage, and nothing was changed.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: list[str] | None = None) -> int:
    """Run one command. Return its exit code."""
    try:
        code = app(arguments, prog_name="sampan", standalone_mode=False)
    except typer.TyperException as error:  # a `UserError`, or a usage error of Typer
        first, *details = error.format_message().splitlines() or [""]
        console.messages().print(f"Error: {first}", style="bold red", markup=False, soft_wrap=True)
        for line in details:
            console.messages().print(line, markup=False, soft_wrap=True)
        return getattr(error, "exit_code", REFUSED)
    except typer.Abort:
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer uses this exit code for Ctrl-C
        console.messages().print("Stopped.", style="bold red")
    return code if isinstance(code, int) else OK


def main() -> None:
    """Run the command of the arguments and exit with its code."""
    sys.exit(run())
