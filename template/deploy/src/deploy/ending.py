"""How a command ends: with a status and a reason, also when somebody interrupts it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from deploy.failure import DeployError


@dataclass
class Status:
    """How a command ends: 0, 1 after a failure, 130 after an interruption."""

    code: int = 0


@contextmanager
def ended_in_order() -> Iterator[Status]:
    """Turn what stops a command into its exit status, with the reason on standard error.

    A cancelled workflow ends with a signal: what the block has begun is brought back before the process goes.
    """
    status = Status()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        yield status
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        status.code = 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: it is safe to run this again\n")
        status.code = 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the way back.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
