"""Measure how soon the service works again after a part of it has recovered."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID, uuid4

import httpx

from tests.faults.load import Load
from tests.faults.stack import Stack
from tests.waiting import until

# Logs measurements, which `-rP` shows.
log = logging.getLogger(__name__)

# The promised time of recovery, in seconds after the part's own first answer.
RECOVERY = 5.0


def check_recovery(load: Load, part_answers: Callable[[], bool]) -> float:
    """Wait for the part, then for health, a write and a piece of work. Returns the seconds in between.

    If the machine stalled, which the load's heartbeat shows, the limit is extended by that time.
    """
    until(part_answers, "the part answers")
    returned = time.monotonic()
    load.stall = 0.0
    asked: list[UUID] = []
    until(lambda: _works(load.stack, asked), "the service works again")
    seconds = time.monotonic() - returned
    assert load.stack.api.running, "the API ended"
    assert load.stack.worker.running, "the worker ended"
    log.warning("recovered in %.1f s, longest stall %.1f s", seconds, load.stall)
    assert seconds <= RECOVERY + 2 * load.stall, f"recovered in {seconds:.1f} s, stall {load.stall:.1f} s"
    return seconds


def _works(stack: Stack, asked: list[UUID]) -> bool:
    if stack.get("/health/dependencies") != 200:
        return False
    with suppress(httpx.TransportError):
        one = uuid4()
        if httpx.post(f"{stack.base}/v1/probes/tasks", json={"id": str(one)}, timeout=10).status_code == 202:
            asked.append(one)
    done = stack.sql("SELECT 1 FROM probe_effects WHERE id = ANY($1)", asked)
    return bool(done)
