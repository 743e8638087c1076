"""Arguments and options that several commands share."""

from typing import Annotated

import typer

EnvironmentName = Annotated[
    str, typer.Argument(metavar="ENVIRONMENT", help="An environment of this project, such as dev.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")]
TakeOver = Annotated[bool, typer.Option("--take-over", help="Take the lock from a deploy that is dead.")]
ImageApi = Annotated[str, typer.Option(metavar="DIGEST", help="Digest of the image api, sha256:….")]
ImageWorker = Annotated[str, typer.Option(metavar="DIGEST", help="Digest of the image worker, sha256:….")]
ImageMigrate = Annotated[str, typer.Option(metavar="DIGEST", help="Digest of the image migrate, sha256:….")]
ReleaseName = Annotated[
    str,
    typer.Option(
        "--release", envvar="RELEASE", metavar="COMMIT", help="Name of the release; default: the current commit."
    ),
]
