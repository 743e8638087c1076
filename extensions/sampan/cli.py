"""The `sampan` command."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sampan import matrix, packages, reference

main = typer.Typer(no_args_is_help=True, add_completion=False, help="Tools beside Copier for those who use or keep the template.")


@main.callback()
def sampan() -> None:
    """Tools beside Copier for those who use or keep the template."""


@main.command("matrix")
def print_matrix(
    output: Annotated[Path, typer.Option(help="Folder for the answers files.")] = Path("matrix"),
    strength: Annotated[int, typer.Option(min=1, max=3, help="2 covers every pair of answers, 3 every triple.")] = 2,
) -> None:
    """Write answers files that cover all pairs, and print the matrix of a GitHub Actions job."""
    typer.echo(json.dumps({"include": matrix.write(output, strength)}))


@main.command()
def questions() -> None:
    """Print the reference of all questions, as Markdown."""
    typer.echo(reference.markdown(), nl=False)


@main.command("packages")
def move_packages() -> None:
    """Move the versions of rendered projects' Python packages to the newest, in the catalogue."""
    typer.echo(f"{packages.move()} packages in {packages.CATALOGUE.relative_to(packages.ROOT)}")
