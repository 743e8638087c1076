"""Addresses of servers in settings: wrong ones are told before anything connects."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.kit.configuration import Fault


def postgresql_faults(variable: str, url: str | None) -> Iterator[Fault]:
    """What is wrong with a PostgreSQL URL. A host may stand in the query: a directory that holds a socket."""
    remedy = "write postgresql://user:password@host:5432/name"
    if url and (fault := _fault(url) or ("" if _path(url) else "names no database")):
        yield Fault(variable, fault, remedy)


def redis_faults(variable: str, url: str | None) -> Iterator[Fault]:
    """What is wrong with a Redis URL."""
    if url and (fault := _fault(url) or ("" if (_path(url) or "0").isdigit() else "names no database by its number")):
        yield Fault(variable, fault, "write redis://host:6379/0")


def leads_nowhere(url: str) -> bool:
    """Whether a link leads to its reader's own machine, or to a placeholder of the manifests: PUBLIC_URL is not set."""
    host = urlsplit(url).hostname or ""
    return host in {"127.0.0.1", "localhost", "::1"} or host.endswith(".invalid")


def _path(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _fault(url: str) -> str:
    """What is wrong with host or port. Never repeats what may be a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a port that is no number from 1 to 65535"
    if port == 0:
        return "has the port 0"
    return "" if parts.hostname or "host=" in parts.query else "names no host"
