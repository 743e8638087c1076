"""The only module that reads the time or sleeps, so that tests can run an hour in seconds."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present, with its zone."""
    return datetime.now(UTC)


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
