"""Metrics of logins."""

from prometheus_client import Counter

LOGINS_SUCCEEDED = Counter("logins_succeeded", "Logins that gave a token")
LOGINS_FAILED = Counter("logins_failed", "Logins refused, for whatever reason")
LOGINS_LOCKED = Counter("logins_locked", "Logins refused without a look at the password, after failures in a row")
