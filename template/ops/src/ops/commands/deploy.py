"""`ops deploy`."""

import typer

from ops import options
from ops.environment import Environment, Target
from ops.images import Images

app = typer.Typer()


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
