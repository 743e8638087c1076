"""Identifiers that sort by the time they were made."""

import os
import time
from datetime import datetime
from uuid import UUID


def new_id() -> UUID:
    """A UUID version 7: 48 bits of milliseconds, then random bits. It keys rows and pages in one."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)  # version 7
    value = (value & ~(0x3 << 62)) | (0x2 << 62)  # the RFC 9562 variant
    return UUID(int=value)


def first_id(moment: datetime) -> UUID:
    """The lowest id of a moment: what is older than it was made before."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)
