"""Metrics of logins."""

from prometheus_client import Counter

LOGINS_SUCCEEDED = Counter("logins_succeeded", "Logins that gave a token")
LOGINS_FAILED = Counter("logins_failed", "Logins refused")
