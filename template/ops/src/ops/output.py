"""Output of the commands."""

import sys

from ops.errors import OpsError


def say(text: str) -> None:
    """Print a line immediately."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line about progress to standard error, so that standard output holds results only."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation, unless `yes` is given. Raises OpsError if the person declines."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise OpsError(f"{question} Nobody can answer here: nothing was changed. --yes agrees in advance")
    if input(f"{question} Type `yes` to confirm: ").strip() != "yes":
        raise OpsError("nothing was changed")
