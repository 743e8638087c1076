"""`sampan questions`."""

import typer

from sampan import reference


def command() -> None:
    """Print the reference of all questions, as Markdown."""
    typer.echo(reference.markdown(), nl=False)
