"""What commands print."""

import sys


def say(text: str) -> None:
    """Print a line for the person who watches, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
