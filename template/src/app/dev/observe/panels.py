"""The panels, and their arithmetic: each point is calculated from two consecutive scrapes of all processes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from app.kit.requests import SLOW_REQUEST_SECONDS

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scrape:
    """The series of one process at a time in seconds, by name and labels."""

    time: float
    series: Mapping[str, Mapping[Labels, float]]

    @classmethod
    def read(cls, text: str, time: float) -> "Scrape":
        """Parse a response in Prometheus' text format."""
        series: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                series.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return cls(time, series)


@dataclass(frozen=True, slots=True)
class Step:
    """The change between two scrapes of one process."""

    before: Scrape
    after: Scrape

    def grown(self, name: str, labels: Labels = frozenset()) -> float:
        """Return the growth of the counters of a name with these labels. A counter that shrank has restarted at 0."""
        before = self.before.series.get(name, {})
        grown = 0.0
        for key, value in self.after.series.get(name, {}).items():
            if labels <= key:
                old = before.get(key, 0.0)
                grown += value - old if value >= old else value
        return grown

    @property
    def seconds(self) -> float:
        """Seconds between the two scrapes."""
        return self.after.time - self.before.time


# The steps of the processes that answered two scrapes in a row, by process.
Steps = Mapping[str, Step]
Number = float | None
Measure = Callable[[Steps], Number]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel."""

    label: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart. Without the metric `needs` it is omitted; `mark` is a value drawn as a horizontal line."""

    title: str
    unit: str
    lines: Sequence[Line]
    needs: str
    mark: tuple[float, str] | None = None


def rate(name: str) -> Measure:
    """Return the growth of a counter per second, over all processes."""
    return lambda steps: sum(step.grown(name) / step.seconds for step in steps.values()) if steps else None


def percent(part: str, *whole: str) -> Measure:
    """Return the share of one counter's growth in the growth of others, or None if these did not grow."""

    def measure(steps: Steps) -> Number:
        parts = sum(step.grown(part) for step in steps.values())
        all_of_them = sum(step.grown(name) for step in steps.values() for name in whole)
        return 100 * parts / all_of_them if all_of_them else None

    return measure


def mean(total: str, count: str, factor: float = 1) -> Measure:
    """Return the growth of one counter divided by that of another."""

    def measure(steps: Steps) -> Number:
        counted = sum(step.grown(count) for step in steps.values())
        return factor * sum(step.grown(total) for step in steps.values()) / counted if counted else None

    return measure


def gauge(name: str, process: str) -> Measure:
    """Return the value of a gauge in one process, or the largest of its labels."""

    def measure(steps: Steps) -> Number:
        step = steps.get(process)
        return max(step.after.series.get(name, {}).values(), default=None) if step else None

    return measure


def quantile(name: str, share: float, factor: float = 1, labels: Labels = frozenset()) -> Measure:
    """A quantile of what a histogram observed between the scrapes, spread evenly within its buckets."""

    def measure(steps: Steps) -> Number:
        buckets: dict[float, float] = {}
        for step in steps.values():
            for bound in {
                float(dict(key)["le"]) for key in step.after.series.get(f"{name}_bucket", {}) if labels <= key
            }:
                grown = step.grown(f"{name}_bucket", labels | {("le", _written(bound))})
                buckets[bound] = buckets.get(bound, 0) + grown
        found = _within(sorted(buckets.items()), share)
        return None if found is None else factor * found

    return measure


def _written(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _within(buckets: Sequence[tuple[float, float]], share: float) -> Number:
    """Return the value below which this share of observations lies, at most the last finite bound."""
    total = buckets[-1][1] if buckets else 0.0
    if not total:
        return None
    wanted = share * total
    for (low, below), (high, count) in pairwise([(0.0, 0.0), *buckets]):
        if count >= wanted and count > below:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / (count - below)
    return None


PANELS: Sequence[Panel] = (
    Panel("Requests", "/s", [Line("requests", rate("http_requests_total"))], "http_requests_total"),
    Panel(
        "Errors",
        "%",
        [
            Line("5xx", percent("http_server_errors_total", "http_requests_total")),
            Line("4xx", percent("http_client_errors_total", "http_requests_total")),
        ],
        "http_requests_total",
    ),
    Panel(
        "Response time",
        "ms",
        [Line(f"p{share}", quantile("http_request_seconds", share / 100, 1000)) for share in (50, 95, 99)],
        "http_requests_total",
        mark=(SLOW_REQUEST_SECONDS * 1000, "slow"),
    ),
    Panel("In flight", "", [Line("requests", gauge("http_requests_in_flight", "api"))], "http_requests_in_flight"),
    Panel(
        "Database connections",
        "",
        [
            Line("API in use", gauge("database_pool_in_use", "api")),
            Line("API waiting", gauge("database_pool_waiting", "api")),
            Line("worker in use", gauge("database_pool_in_use", "worker")),
            Line("worker waiting", gauge("database_pool_waiting", "worker")),
        ],
        "database_pool_in_use",
    ),
    Panel(
        "Wait for a connection",
        "ms",
        [Line("mean", mean("database_pool_wait_seconds_total", "database_pool_waits_total", 1000))],
        "database_pool_waits_total",
    ),
    Panel(
        "Cache hits",
        "%",
        [Line("hits", percent("cache_hits_total", "cache_hits_total", "cache_misses_total"))],
        "cache_hits_total",
    ),
    Panel(
        "Database and Redis errors",
        "/s",
        [
            Line("database", rate("database_connection_errors_total")),
            Line("cache", rate("cache_errors_total")),
            Line("open limits", rate("rate_limit_open_total")),
        ],
        "database_connection_errors_total",
    ),
    Panel(
        "Tasks",
        "/s",
        [Line(step, rate(f"tasks_{step}_total")) for step in ("queued", "succeeded", "retried", "failed", "dead")],
        "tasks_queued_total",
    ),
    Panel(
        "Time of tasks",
        "ms",
        [
            Line("run", mean("tasks_run_seconds_total", "tasks_started_total", 1000)),
            Line("wait", mean("tasks_wait_seconds_total", "tasks_started_total", 1000)),
        ],
        "tasks_started_total",
    ),
    Panel(
        "Backlog",
        "",
        [Line("tasks due", gauge("tasks_due", "worker")), Line("dead letters", gauge("tasks_dead_letters", "worker"))],
        "tasks_due",
    ),
    Panel(
        "Logins",
        "/s",
        [Line(result, rate(f"logins_{result}_total")) for result in ("succeeded", "failed", "locked")],
        "logins_succeeded_total",
    ),
    Panel(
        "Email messages",
        "/s",
        [Line("sent", rate("mails_sent_total")), Line("failed", rate("mails_failed_total"))],
        "mails_sent_total",
    ),
    Panel("Rate limits", "/s", [Line("refused", rate("rate_limited_total"))], "rate_limited_total"),
)


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table of routes, over the displayed period."""

    route: str
    requests: float
    errors: float
    p95: Number


def routes(steps: Steps) -> list[Route]:
    """Return the requested routes, the most frequent first."""
    keys = {
        (labels["method"], labels["route"])
        for step in steps.values()
        for labels in map(dict, step.after.series.get("http_request_seconds_count", {}))
    }
    rows = [_route(steps, method, path) for method, path in keys]
    return sorted((row for row in rows if row.requests), key=lambda row: -row.requests)


def _route(steps: Steps, method: str, path: str) -> Route:
    labels: Labels = frozenset({("method", method), ("route", path)})
    count = "http_request_seconds_count"
    return Route(
        f"{method} {path}",
        sum(step.grown(count, labels) for step in steps.values()),
        sum(step.grown(count, labels | {("status", "5xx")}) for step in steps.values()),
        quantile("http_request_seconds", 0.95, 1000, labels)(steps),
    )


def shown(scrapes: Iterable[Scrape]) -> list[Panel]:
    """Return the panels whose metrics exist."""
    names = {name for scrape in scrapes for name in scrape.series}
    return [panel for panel in PANELS if panel.needs in names]
