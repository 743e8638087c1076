"""`ops github`: the repository's environments, their protection, and the variables that name the roles."""

from typing import Annotated

import typer

from ops import options, project
from ops.doctor.context import Context
from ops.up.github import protect_environments, set_variables

app = typer.Typer()
github = typer.Typer(no_args_is_help=True, help="Create and protect GitHub's environments, and set their variables.")
app.add_typer(github, name="github")
Reviewer = Annotated[str, typer.Option(metavar="LOGIN", help="Approves production and infrastructure; default: you.")]


@github.command()
def protect(environment: options.EnvironmentName, *, reviewer: Reviewer = "") -> None:
    """Create both GitHub environments, allow only main to use them, and require a reviewer where one is needed.

    GitHub creates an environment unprotected when a workflow first names it: any branch could then take its AWS role.
    """
    context = _context(environment)
    protect_environments(context, reviewer)


@github.command()
def variables(environment: options.EnvironmentName) -> None:
    """Set the variables that name the AWS roles which bootstrap has made in this account."""
    set_variables(_context(environment))


def _context(environment: str) -> Context:
    root = project.find()
    project.require_environment(root, environment)
    return Context(root, environment)
