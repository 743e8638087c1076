"""`ops access` and `ops database-roles`, for an administrator."""

from typing import Annotated

import typer

from ops import options
from ops.access import grant, missing
from ops.database_roles import ensure_roles
from ops.environment import Environment
from ops.output import say

app = typer.Typer()
Image = Annotated[str, typer.Option(metavar="DIGEST", help="sha256:…; default: the image pushed last.")]


@app.command()
def access(environment: options.EnvironmentName, *, dry_run: options.DryRun = False) -> None:
    """Create the namespace and give the deploy role its rights. An administrator runs this once per environment.

    Applies deploy/access to the environment's cluster. The current kubectl context is not used.
    """
    here = Environment.load(environment)
    if dry_run:
        say(f"missing: {', '.join(missing(here.cluster, here.root)) or 'nothing'}")
        return
    grant(here.cluster, here.root, here.contract)
    say(f"{here.contract.namespace}: the deploy role may deploy")


@app.command("database-roles")
def database_roles(
    environment: options.EnvironmentName,
    *,
    image_migrate: Image = "",
    dry_run: options.DryRun = False,
    take_over: options.TakeOver = False,
) -> None:
    """Create the database's roles, or bring them up to date after a changed password. For an administrator."""
    ensure_roles(Environment.load(environment, take_over=take_over), image_migrate, dry_run=dry_run)
