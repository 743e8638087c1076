"""Output of the commands."""

import sys

from ops.errors import OpsError


def say(text: str) -> None:
    """Print a line for the person who watches, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line about progress to standard error, so that standard output holds results only."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def confirm(question: str, *, yes: bool) -> None:
    """Go on when the person agrees, or when `yes` was given. Raises OpsError otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise OpsError(f"{question} Nobody can answer here: nothing was changed. --yes agrees in advance")
    if input(f"{question} Type `yes` to confirm: ").strip() != "yes":
        raise OpsError("nothing was changed")
