"""Identifiers that sort by the time of their creation."""

import os
import time
from datetime import datetime
from uuid import UUID


def new_id() -> UUID:
    """A UUID version 7: milliseconds, 12 bits of their fraction, then 62 random bits. It keys rows and pages in one.

    The fraction (RFC 9562, section 6.2, method 3) keeps the ids of one process in order within a millisecond.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62 | random)


def first_id(moment: datetime) -> UUID:
    """Return the lowest id of a moment. Ids that were created earlier are lower."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)
