"""`ops database-roles`."""

from typing import Annotated

import typer

from ops import options
from ops.database_roles import ensure_roles
from ops.environment import Environment

app = typer.Typer()
Image = Annotated[str, typer.Option(metavar="DIGEST", help="sha256:…; default: the image pushed last.")]


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
