"""URLs of servers in settings. Invalid ones are reported before anything connects."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, urlsplit

from app.kit.configuration import Environment, Fault, Section


def postgresql_faults(variable: str, url: str | None) -> Iterator[Fault]:
    """Yield the faults of a PostgreSQL URL. The query may name a host: the directory of a socket."""
    remedy = "write postgresql://user:password@host:5432/name"
    if url and (fault := _fault(url) or ("" if _path(url) else "names no database")):
        yield Fault(variable, fault, remedy)


def redis_faults(variable: str, url: str | None) -> Iterator[Fault]:
    """Yield the faults of a Redis URL."""
    if url and (fault := _fault(url) or ("" if (_path(url) or "0").isdigit() else "names no database by its number")):
        yield Fault(variable, fault, "write redis://host:6379/0")


def leads_nowhere(url: str) -> bool:
    """Return whether a link leads to its reader's machine or to a placeholder, because PUBLIC_URL is not set."""
    host = urlsplit(url).hostname or ""
    return host in {"127.0.0.1", "localhost", "::1"} or host.endswith(".invalid")


def environment_faults(section: Section, servers: Mapping[str, str]) -> Iterator[Fault]:
    """Return a fault if ENVIRONMENT is not set and a server is on another machine.

    The defaults of a developer's machine, secrets among them, are public.
    """
    elsewhere = [variable for variable, url in servers.items() if not is_loopback(url)]
    if elsewhere and "environment" not in section.model_fields_set:
        names = ", ".join(environment.value for environment in Environment)
        yield Fault("ENVIRONMENT", f"is not set, and {elsewhere[0]} names another machine", f"set one of {names}")


def is_socket(url: str) -> bool:
    """Whether a URL leads to a Unix socket, over which nothing leaves the machine."""
    parts = _split(url)
    return parts is not None and any(host.startswith("/") for host in parse_qs(parts.query).get("host", ()))


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself: a loopback IP address, `localhost`, or a socket."""
    parts = _split(url)
    host = (parts.hostname or "") if parts else ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or is_socket(url)


def has_password(url: str) -> bool:
    """Whether a URL holds a password."""
    parts = _split(url)
    return parts is not None and bool(parts.password)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _path(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _fault(url: str) -> str:
    """Return the fault of host or port. The text never repeats a part that may be a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has a port that is not a number from 1 to 65535"
    if port == 0:
        return "has the port 0"
    return "" if parts.hostname or "host=" in parts.query else "names no host"
