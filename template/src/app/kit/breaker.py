"""A circuit breaker: after repeated failures, calls to a server fail at once, except one trial call a second."""

import time

import structlog
from prometheus_client import Gauge

log = structlog.stdlib.get_logger(__name__)

REDIS_OPEN = Gauge("redis_circuit_open", "1 while calls to Redis fail at once: it did not answer", ["use"])

# Consecutive failures that count as an outage. A single failure may be a connection that was just closed.
FAILURES = 2
# Seconds between two attempts to reach a server that is out. After its recovery, it is used again within this time.
PAUSE = 1.0


class Breaker:
    """Counts the failures of one server. `use` names it in the metric and in the log."""

    def __init__(self, use: str) -> None:
        self._use = use
        self._failures = 0
        self._next_attempt = 0.0
        self._gauge = REDIS_OPEN.labels(use)
        self._gauge.set(0)

    @property
    def is_open(self) -> bool:
        """True while calls fail at once."""
        return self._failures >= FAILURES

    def admit(self) -> bool:
        """Return whether a call may be made now. While the breaker is open, that is one call per pause."""
        if not self.is_open:
            return True
        now = time.monotonic()
        if now < self._next_attempt:
            return False
        self._next_attempt = now + PAUSE
        return True

    def succeeded(self) -> None:
        """Record a call that the server answered."""
        if self.is_open:
            log.info("redis answers again", use=self._use)
            self._gauge.set(0)
        self._failures = 0

    def failed(self) -> None:
        """Record a call that the server did not answer."""
        self._failures += 1
        if self._failures == FAILURES:
            self._next_attempt = time.monotonic() + PAUSE
            log.warning("redis does not answer: calls fail at once", use=self._use, seconds=PAUSE)
            self._gauge.set(1)
