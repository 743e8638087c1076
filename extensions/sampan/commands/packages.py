"""`sampan packages`."""

import typer

from sampan import packages, root
from sampan.errors import UserError


def command() -> None:
    """Move the versions of rendered projects' Python packages to the newest, in the catalogue."""
    if root.is_packaged():
        message = "sampan packages changes the template: run it in a clone of the template's repository."
        raise UserError(message)
    typer.echo(f"{packages.move()} packages in {packages.CATALOGUE.relative_to(packages.ROOT)}")
