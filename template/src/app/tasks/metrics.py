"""Metrics of tasks."""

from prometheus_client import Counter, Gauge, Histogram

TASKS_QUEUED = Counter("tasks_queued", "Tasks written and handed to the queue", ["kind"])
TASKS_SUCCEEDED = Counter("tasks_succeeded", "Tasks that finished", ["kind"])
TASKS_RETRIED = Counter("tasks_retried", "Attempts that failed and will be repeated", ["kind"])
TASKS_FAILED = Counter("tasks_failed", "Tasks given up: refused for good, or out of attempts", ["kind"])
TASKS_DEAD = Counter("tasks_dead", "Tasks that wait for a person: out of attempts or time, for example", ["kind"])
TASKS_DUE = Gauge("tasks_due", "Tasks that wait although their time has come")
TASKS_DUE_SECONDS = Gauge("tasks_due_seconds", "Seconds that the oldest of them has waited")
TASKS_DEAD_LETTERS = Gauge("tasks_dead_letters", "Dead tasks that nobody has replayed")
TASK_SECONDS = Histogram("task_seconds", "Seconds that one attempt took", ["kind"], buckets=(0.01, 0.1, 1, 10, 60, 300))
MAILS_SENT = Counter("mails_sent", "Mails handed to the mail server")
