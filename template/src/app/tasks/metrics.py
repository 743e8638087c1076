"""Metrics of tasks. Their kinds are those that this release knows, and `unknown` for tasks of another one."""

from collections.abc import Collection

from prometheus_client import Counter, Gauge, Histogram

UNKNOWN = "unknown"

TASKS_QUEUED = Counter("tasks_queued", "Tasks written and handed to the queue", ["kind"])
TASKS_STARTED = Counter("tasks_started", "Attempts that a worker began", ["kind"])
TASKS_WAIT_SECONDS = Counter("tasks_wait_seconds", "Seconds from an attempt's due time to its start, summed", ["kind"])
TASKS_RUN_SECONDS = Counter("tasks_run_seconds", "Seconds that attempts took, summed", ["kind"])
TASKS_SUCCEEDED = Counter("tasks_succeeded", "Tasks that finished", ["kind"])
TASKS_RETRIED = Counter("tasks_retried", "Attempts that failed and will be repeated", ["kind"])
TASKS_FAILED = Counter("tasks_failed", "Tasks given up: refused for good, or out of attempts", ["kind"])
TASKS_DEAD = Counter("tasks_dead", "Tasks that wait for a person: out of attempts or time, for example", ["kind"])
TASKS_DUE = Gauge("tasks_due", "Tasks that wait although their time has come")
TASKS_DUE_SECONDS = Gauge("tasks_due_seconds", "Seconds that the oldest of them has waited")
TASKS_DEAD_LETTERS = Gauge("tasks_dead_letters", "Dead tasks that nobody has replayed")
TASK_SECONDS = Histogram("task_seconds", "Seconds that one attempt took", ["kind"], buckets=(0.01, 0.1, 1, 10, 60, 300))
MAILS_SENT = Counter("mails_sent", "Mails handed to the mail server")
MAILS_FAILED = Counter("mails_failed", "Mails that could not be written or were not accepted, each attempt counted")

_BY_KIND = (
    TASKS_QUEUED,
    TASKS_STARTED,
    TASKS_WAIT_SECONDS,
    TASKS_RUN_SECONDS,
    TASKS_SUCCEEDED,
    TASKS_RETRIED,
    TASKS_FAILED,
    TASKS_DEAD,
)


def declare_kinds(kinds: Collection[str]) -> None:
    """Create the series of every kind, so that scrapes show them from the start."""
    for counter in _BY_KIND:
        for kind in (*kinds, UNKNOWN):
            counter.labels(kind)


def kind_label(kind: str, known: Collection[str]) -> str:
    """The label of a kind. Rows can name kinds that this release has no handler for."""
    return kind if kind in known else UNKNOWN
