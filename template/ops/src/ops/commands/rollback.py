"""`ops rollback`."""

from typing import Annotated

import typer

from ops import options
from ops.environment import Environment
from ops.rollback import roll_back

app = typer.Typer()
To = Annotated[str, typer.Option(metavar="COMMIT", help="A release of the history; default: the previous one.")]


@app.command()
def rollback(
    environment: options.EnvironmentName,
    *,
    to: To = "",
    dry_run: options.DryRun = False,
    take_over: options.TakeOver = False,
) -> None:
    """Deploy an earlier release again, by its digests and with the manifests of its commit.

    The environment's history lists the releases. Migrations are not undone: earlier releases run on the newer schema.
    """
    roll_back(Environment.load(environment, take_over=take_over), to, dry_run=dry_run)
