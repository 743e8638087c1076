"""`ops deploy`, `ops rollback` and `ops restart`."""

from typing import Annotated

import typer

from ops import options
from ops.environment import Environment, Target
from ops.images import Images
from ops.restart import restart_pods
from ops.rollback import roll_back

app = typer.Typer()
To = Annotated[str, typer.Option(metavar="COMMIT", help="A release of the history; default: the previous one.")]


@app.command()
def deploy(
    environment: options.EnvironmentName,
    *,
    image_api: options.ImageApi,
    image_worker: options.ImageWorker,
    image_migrate: options.ImageMigrate,
    release: options.ReleaseName = "",
    dry_run: options.DryRun = False,
    take_over: options.TakeOver = False,
) -> None:
    """Deploy a release: migrate, roll out, and restore the previous release if the new one does not come up.

    Safe to interrupt and to run again.
    """
    images = Images.of(image_api, image_worker, image_migrate)
    target = Target.of(Environment.load(environment, take_over=take_over), images, release)
    if dry_run:
        target.show_difference()
        return
    with target.under_way():
        target.release.run()
    target.summarise("is deployed to")


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


@app.command()
def restart(
    environment: options.EnvironmentName, *, dry_run: options.DryRun = False, take_over: options.TakeOver = False
) -> None:
    """Fetch changed secrets, then restart every pod that reads one, without interruption."""
    restart_pods(Environment.load(environment, take_over=take_over), dry_run=dry_run)
