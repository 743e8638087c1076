"""`ops up` and `ops github`: the first deployment, and the repository that later ones come from."""

import sys
from typing import Annotated

import typer

from ops import options, project
from ops.doctor.context import Context
from ops.output import say
from ops.up import preparation, release
from ops.up.github import protect_environments, set_variables
from ops.up.step import PersonNeededError, Walk, walk

app = typer.Typer()
github = typer.Typer(no_args_is_help=True, help="Create and protect GitHub's environments, and set their variables.")
app.add_typer(github, name="github")
Reviewer = Annotated[str, typer.Option(metavar="LOGIN", help="Approves production and infrastructure; default: you.")]
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
    try:
        walk([*preparation.STEPS, *release.STEPS], Walk(_context(environment), yes), say)
    except PersonNeededError as needed:
        sys.stderr.write(f"{needed}\n")
        raise typer.Exit(PERSON) from None
    say(f"{environment} is up: uv run ops status {environment}")


@github.command()
def protect(environment: options.EnvironmentName, *, reviewer: Reviewer = "") -> None:
    """Create both GitHub environments, restrict them to main, and require a reviewer where one is needed.

    GitHub creates an environment unprotected when a workflow first names it: any branch could then take its AWS role.
    """
    protect_environments(_context(environment), reviewer)


@github.command()
def variables(environment: options.EnvironmentName) -> None:
    """Set the variables that name the AWS roles which bootstrap created in this account."""
    set_variables(_context(environment))


def _context(environment: str) -> Context:
    root = project.find()
    project.require_environment(root, environment)
    return Context(root, environment)
