"""Limits of the server and the names that it serves under."""

from dataclasses import dataclass, field
from typing import Final

LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Settings:
    """The defaults fit a server of one team on half a core; every limit bounds memory or time for one request or one client."""

    hosts: tuple[str, ...] = field(default=LOOPBACK_HOSTS)
    """Host names that the server answers to, without a port: any other `Host` header is refused, which stops DNS rebinding."""
    longest_query: int = 8_000
    """Bytes of a query string. All questions with long answers take about 2,500."""
    longest_answer: int = 500
    """Characters of one answer, or of all items of a list."""
    deadline_seconds: float = 20.0
    """Time for one request, sending included: a client that reads slowly is cut off."""
    header_seconds: float = 10.0
    """Time for a client to send its request."""
    connections: int = 100
    """Connections at a time."""
    waiting: int = 20
    """Requests that may wait for the questionnaire, which answers one at a time."""
    renderings: int = 4
    """Renderings of a project at a time, the running one included."""
    kept_views: int = 200
    """Sets of answers whose verdict and cost are kept."""
    kept_projects: int = 12
    """Rendered projects that are kept; each takes 2 MB."""
    burst: int = 120
    """Points that a client may spend at once. A page costs 1, a rendering 4."""
    points_per_second: float = 8.0
    """Points that a client earns."""
    clients: int = 5_000
    """Clients whose points are remembered."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies, whose `X-Forwarded-For` names the client."""
