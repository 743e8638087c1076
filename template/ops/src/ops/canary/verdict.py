"""The comparison of a canary with the running release: from measurements to a verdict."""

from dataclasses import dataclass
from enum import StrEnum

# The canary is worse if its error rate exceeds twice that of the stable group plus 1 %.
ERROR_FACTOR = 2.0
ERROR_MARGIN = 0.01
# This many errors are enough for a verdict even with few requests.
TELLING_ERRORS = 5
# p95 limit: 1.5 times that of the stable group plus 0.1 s, so that 12 ms instead of 8 ms does not count.
LATENCY_FACTOR = 1.5
LATENCY_MARGIN_SECONDS = 0.1


class Outcome(StrEnum):
    """The verdict on the figures."""

    GOOD = "good"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Reading:
    """Requests, errors (5xx and refused connections) and p95, in seconds if known, of a target group over a period."""

    requests: int
    errors: int
    p95: float | None

    @property
    def error_share(self) -> float:
        """Errors per request. A refused connection counts as a request, because the group's own count lacks it."""
        return self.errors / max(self.requests, self.errors, 1)

    def __str__(self) -> str:
        p95 = "no p95" if self.p95 is None else f"p95 {self.p95 * 1000:.0f} ms"
        return f"{self.requests} requests, {self.errors} errors ({self.error_share:.1%}), {p95}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, and why in one line."""

    outcome: Outcome
    reason: str


def judge(canary: Reading, stable: Reading, minimum: int) -> Verdict:
    """Compare. With fewer than `minimum` requests, a canary can be found worse, but not good.

    A stable side with fewer than `minimum` requests has no say: then the canary may have errors up to the margin.
    """
    baseline = stable if stable.requests >= minimum else Reading(0, 0, None)
    limit = ERROR_FACTOR * baseline.error_share + ERROR_MARGIN
    if canary.errors >= TELLING_ERRORS and canary.error_share > limit:
        return Verdict(Outcome.WORSE, f"errors: {canary.error_share:.1%} of its requests, and {limit:.1%} is the limit")
    if canary.requests < minimum:
        return Verdict(Outcome.INCONCLUSIVE, f"{canary.requests} requests, and a verdict takes {minimum}")
    if canary.error_share > limit:
        return Verdict(Outcome.WORSE, f"errors: {canary.error_share:.1%} of its requests, and {limit:.1%} is the limit")
    return _latency(canary.p95, baseline.p95)


def _latency(canary: float | None, stable: float | None) -> Verdict:
    if canary is not None and stable is not None:
        limit = max(LATENCY_FACTOR * stable, stable + LATENCY_MARGIN_SECONDS)
        if canary > limit:
            reason = f"slow: p95 {canary * 1000:.0f} ms, and {limit * 1000:.0f} ms is the limit"
            return Verdict(Outcome.WORSE, reason)
    return Verdict(Outcome.GOOD, "as good as what it replaces")
