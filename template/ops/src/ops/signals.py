"""Signal handling: a cancelled command cleans up before its process ends."""

import signal
from types import FrameType


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. Not an Exception, and not the KeyboardInterrupt that Typer catches."""


def handle_signals() -> None:
    """Raise Interrupted at the first SIGINT or SIGTERM, which a cancelled workflow sends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the restore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Interrupted
