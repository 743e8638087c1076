"""The only place where the deploy asks for the time or waits, so that a test can run an hour in seconds."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present, with its zone."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
