"""`ops up`."""

import sys
from typing import Annotated

import typer

from ops import options, project
from ops.doctor.context import Context
from ops.output import say
from ops.up import preparation, release
from ops.up.step import PersonNeededError, Walk, walk

app = typer.Typer()
PERSON = 3


@app.command()
def up(
    environment: options.EnvironmentName,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm every plan and question in advance. For automation.")
    ] = False,
) -> None:
    """Guide the first deployment of an environment, and continue where the last run stopped.

    Steps that are done are skipped. When a person has to act, the command prints the exact change and exits with status
    3: make the change, and run this again. Nothing is applied or created before it was shown and confirmed.
    """
    root = project.find()
    project.require_environment(root, environment)
    try:
        walk([*preparation.STEPS, *release.STEPS], Walk(Context(root, environment), yes), say)
    except PersonNeededError as needed:
        sys.stderr.write(f"{needed}\n")
        raise typer.Exit(PERSON) from None
    say(f"{environment} is up: uv run ops status {environment}")
