"""`ops restart`."""

import typer

from ops import options
from ops.environment import Environment
from ops.restart import restart_pods

app = typer.Typer()


@app.command()
def restart(
    environment: options.EnvironmentName, *, dry_run: options.DryRun = False, take_over: options.TakeOver = False
) -> None:
    """Fetch changed secrets, then restart every pod that reads one, without interruption."""
    restart_pods(Environment.load(environment, take_over=take_over), dry_run=dry_run)
