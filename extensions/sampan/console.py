"""Output of the commands: Rich on a terminal, plain text elsewhere, one JSON document with `--json`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
"""The option of every command whose result programs can read: `as_json: JsonOption = False`."""


def output() -> Console:
    """Return the console of results. Without a terminal Rich prints neither colours nor animations, and lines are not wrapped at 80."""
    return _console(error=False)


def messages() -> Console:
    """Return the console of progress, questions and errors: standard error, so that results can be piped."""
    return _console(error=True)


def _console(*, error: bool) -> Console:
    stream = sys.stderr if error else sys.stdout
    # The stream itself, because rendering redirects sys.stderr while a progress bar writes to it.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 200)


@contextmanager
def working() -> Iterator[Callable[[str], None]]:
    """Return a function that shows a text beside a spinner; an empty text ends it. Without a terminal, nothing is shown."""
    status = messages().status("")

    def step(words: str) -> None:
        status.update(words)
        if words and messages().is_terminal:
            status.start()
        else:
            status.stop()

    try:
        yield step
    finally:
        status.stop()


def print_text(console: Console, text: str) -> None:
    """Print paragraphs as wide as the terminal; lines that are indented are commands, which are not wrapped, so that they can be copied."""
    for paragraph in text.strip("\n").split("\n\n"):
        lines = paragraph.splitlines()
        if any(line.startswith("  ") for line in lines):
            console.print(paragraph, markup=False, soft_wrap=True)
        else:
            console.print(" ".join(lines), markup=False)
        console.print()


def print_json(document: Any) -> None:
    """Print the result of a command as JSON, and nothing else."""
    typer.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def print_line(document: Any) -> None:
    """Print a JSON document in one line, as the outputs of a GitHub Actions step take it."""
    typer.echo(json.dumps(document))


def is_interactive() -> bool:
    """Whether a person can answer: input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
