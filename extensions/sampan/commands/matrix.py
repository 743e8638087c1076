"""`sampan matrix`."""

from pathlib import Path
from typing import Annotated

import typer

from sampan import console, matrix


def command(
    output: Annotated[Path, typer.Option(help="Folder for the answers files.")] = Path("matrix"),
    strength: Annotated[int, typer.Option(min=1, max=3, help="2 covers every pair of answers, 3 every triple.")] = 2,
) -> None:
    """Write answers files that cover all pairs, and print the matrix of a GitHub Actions job."""
    console.print_line({"include": matrix.write(output, strength)})
