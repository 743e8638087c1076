"""`ops addons`."""

import typer

from ops import options
from ops.addons.install import install_addons

app = typer.Typer()


@app.command()
def addons(environment: options.EnvironmentName, *, dry_run: options.DryRun = False) -> None:
    """Install the cluster's add-ons, or upgrade them to the versions of this project. For an administrator.

    Safe to repeat. Repeat it when a service with a host name joins the platform, so that external-dns also writes to
    the zone of that service.
    """
    install_addons(environment, dry_run=dry_run)
