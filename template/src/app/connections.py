"""Connections of the HTTP servers: limits on size and time, for clients that bypass the load balancer.

uvicorn limits only the idle time after a response, but neither the size nor the duration of a request's head.
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits for one client, in seconds and bytes."""

    # The ALB keeps idle connections for 60 s: a server that closes them first gives random 502s.
    idle_seconds: float = 75
    # Short, because the ALB forwards a head only once it is complete.
    head_seconds: float = 10
    # Enough for the largest body, 1 MiB, at 35 kB/s.
    body_seconds: float = 30
    # For clients that do not read their response. Nearly all responses fit into the socket's buffer.
    write_seconds: float = 30
    # The ALB's own limit on a head is 64 kB.
    head_bytes: int = 65_536
    headers: int = 100
    # About 20 kB each. Beyond that, the connection closest to its deadline is closed.
    connections: int = 1_000


class _HeadTooLargeError(Exception):
    """Stops the parser."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits. A `BoundedServer` checks the deadlines: one timer per connection costs more."""

    bounds: ClassVar[Bounds] = Bounds()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.deadline = math.inf
        self._write_deadline = math.inf
        # The deadline to set after parsing the data. A chunk usually contains a whole request, so one deadline is
        # enough.
        self._seconds: float | None = None
        self._receiving = False
        self._in_head = False
        self._too_large = False
        # Sizes of the current chunk, of the chunk in which the head began, and of the data since.
        self._chunk_bytes = self._first_bytes = self._bytes_since = 0

    def connection_made(self, transport: Any) -> None:
        """Wait for a request, and close another connection if there are too many."""
        super().connection_made(transport)
        self._wait(self.bounds.idle_seconds)
        if len(self.connections) > self.bounds.connections:
            others = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self]
            victim = min(others, key=lambda one: one.deadline, default=self)
            victim.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse the data, and count bytes that neither end a head nor belong to a body."""
        in_head = self._in_head
        self._chunk_bytes = len(data)
        self._bytes_since += self._chunk_bytes
        super().data_received(data)
        if self._seconds is not None:
            self._wait(self._seconds)
        # How much of its first chunk belongs to the head is known only when the head ends: see `on_headers_complete`.
        if self._receiving and self._in_head == in_head and self._bytes_since > self.bounds.head_bytes:
            self._refuse()

    def on_message_begin(self) -> None:
        """Begin a request's head."""
        super().on_message_begin()
        self._receiving = self._in_head = True
        self._first_bytes, self._bytes_since = self._chunk_bytes, 0
        self._seconds = self.bounds.head_seconds

    def on_headers_complete(self) -> None:
        """Begin the body, unless the head was too large."""
        if len(self.headers) > self.bounds.headers or self._head_is_too_large():
            self._too_large = True
            raise _HeadTooLargeError
        self._in_head, self._bytes_since = False, 0
        self._seconds = self.bounds.body_seconds
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._bytes_since = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request. The time of the answer is not limited here."""
        self._receiving = False
        self._seconds = self.bounds.idle_seconds if self.cycle.response_complete else math.inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request. If a body was refused, its deadline still applies to the rest."""
        super().on_response_complete()
        if not self._receiving:
            self._wait(self.bounds.idle_seconds)

    def pause_writing(self) -> None:
        """Set a deadline for a client that does not read."""
        self._write_deadline = self.loop.time() + self.bounds.write_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        """Lift the deadline: the client reads again."""
        self._write_deadline = math.inf
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answer a request that cannot be parsed, or whose head is too large, with a problem."""
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._too_large else HTTPStatus.BAD_REQUEST
        slug = "head-too-large" if self._too_large else "malformed-request"
        body = f'{{"type":"urn:problem:{slug}","title":"{status.phrase}","status":{status.value}}}'
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode())
        self.transport.close()

    def end_when_due(self, now: float) -> None:
        """Abort the connection if a deadline has passed."""
        if now >= min(self.deadline, self._write_deadline):
            self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds
        self._seconds = None

    def _head_is_too_large(self) -> bool:
        if self._first_bytes + self._bytes_since <= self.bounds.head_bytes:
            return False  # skip the sum below, which would slow down every request
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.bounds.head_bytes

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self._too_large = True
            self.send_400_response("")


class BoundedServer(uvicorn.Server):
    """A server that aborts connections at their deadlines. Its configuration names a `BoundedProtocol`."""

    async def on_tick(self, counter: int) -> bool:
        """Check the deadlines once a second, although uvicorn calls this ten times a second."""
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.end_when_due(connection.loop.time())
        return await super().on_tick(counter)
