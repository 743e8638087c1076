"""Prometheus metrics. Their names are a contract with the agent, the alarms and the dashboard.

The CloudWatch agent drops histograms: whatever an alarm reads is a counter or a gauge.
"""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.responses import Response

# The response-time alarm counts requests above this, in seconds.
SLOW_REQUEST_SECONDS = 0.5

HTTP_REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])
HTTP_SERVER_ERRORS = Counter("http_server_errors", "Requests answered with a 5xx status")
HTTP_SLOW_REQUESTS = Counter("http_slow_requests", "Requests that took longer than 0.5 s")
HTTP_REQUEST_SECONDS = Histogram(
    "http_request_seconds",
    "Seconds from the first byte of a request to the last of its answer",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
DATABASE_CONNECTION_ERRORS = Counter("database_connection_errors", "Connections to PostgreSQL that failed or were lost")
DATABASE_POOL_SIZE = Gauge("database_pool_size", "Connections that the pool may hold")
DATABASE_POOL_IN_USE = Gauge("database_pool_in_use", "Connections that are checked out of the pool")
CACHE_HITS = Counter("cache_hits", "Cached reads answered from Redis")
CACHE_MISSES = Counter("cache_misses", "Cached reads that went to PostgreSQL")
CACHE_UNREADABLE = Counter("cache_unreadable", "Cached entries that could not be decoded and were loaded again")
CACHE_ERRORS = Counter("cache_errors", "Cache calls that Redis did not answer")
TASKS_QUEUED = Counter("tasks_queued", "Tasks written and handed to the queue", ["kind"])
TASKS_SUCCEEDED = Counter("tasks_succeeded", "Tasks that finished", ["kind"])
TASKS_RETRIED = Counter("tasks_retried", "Attempts that failed and will be repeated", ["kind"])
TASKS_FAILED = Counter("tasks_failed", "Tasks given up: refused for good, or out of attempts", ["kind"])
TASKS_DEAD = Counter("tasks_dead", "Tasks that wait for a person: out of attempts or time, for example", ["kind"])
JOBS_DROPPED = Counter("jobs_dropped", "Entries of the queue that could not be run: malformed, unknown or expired")
TASKS_DUE = Gauge("tasks_due", "Tasks that wait although their time has come")
TASKS_DUE_SECONDS = Gauge("tasks_due_seconds", "Seconds that the oldest of them has waited")
TASKS_DEAD_LETTERS = Gauge("tasks_dead_letters", "Dead tasks that nobody has replayed")
TASK_SECONDS = Histogram("task_seconds", "Seconds that one attempt took", ["kind"], buckets=(0.01, 0.1, 1, 10, 60, 300))
LOGINS_SUCCEEDED = Counter("logins_succeeded", "Logins that gave a token")
LOGINS_FAILED = Counter("logins_failed", "Logins refused")
RATE_LIMITED = Counter("rate_limited", "Requests refused by a rate limit", ["limit"])
RATE_LIMIT_OPEN = Counter("rate_limit_open", "Requests let through because Redis did not answer")
REDIS_OPEN = Gauge("redis_circuit_open", "1 while calls to Redis fail at once: it did not answer", ["use"])
MAILS_SENT = Counter("mails_sent", "Mails handed to the mail server")


def metrics_response() -> Response:
    """The answer to a scrape. The load balancer does not route to it."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
