"""`sampan matrix`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from sampan import console, matrix
from sampan.errors import UserError


def command(
    output: Annotated[Path, typer.Option(help="Folder for the answers files.")] = Path("matrix"),
    strength: Annotated[int, typer.Option(min=1, max=3, help="2 covers every pair of answers, 3 every triple.")] = 2,
    rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use the rows of this YAML file instead, which maps names to answers.")
    ] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Only the I-th of N parts, such as 2/8.")] = None,
) -> None:
    """Write answers files that cover all pairs of answers, and print a matrix for a GitHub Actions job.

    Each entry contains its answers, so a job can render them without computing the matrix again.
    """
    number, count = _part(shard)
    made = matrix.shard(matrix.read(rows) if rows else matrix.computed(strength), number, count)
    console.print_line({"include": matrix.write(output, made)})


def _part(shard: str | None) -> tuple[int, int]:
    if shard is None:
        return 1, 1
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", shard)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        message = f"--shard {shard}: write the part and the number of parts, such as 2/8."
        raise UserError(message)
    return int(found[1]), int(found[2])
