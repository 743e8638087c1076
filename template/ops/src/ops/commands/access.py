"""`ops access`."""

import typer

from ops import options
from ops.access import grant, missing
from ops.environment import Environment
from ops.output import say

app = typer.Typer()


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
