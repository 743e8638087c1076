"""Limits around the application: hosts, methods, length, rate and time of a request, and the headers of a response.

Plain ASGI, because the response of a download is a stream.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sampan.web.desk import Kept
from sampan.web.settings import Settings

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
METHODS: Final = ("GET", "HEAD")
RENDERING_COSTS: Final = 4
"""Points of a request that may render a project."""
FREE_PATHS: Final = ("/static/", "/health")
RENDERING_PATHS: Final = ("/files", "/file", "/project.zip", "/compare")


class Purse:
    """The points of the clients: each earns some a second, up to the burst."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = settings.burst
        self._earned = settings.points_per_second
        self._clock = clock
        self._clients: Kept[str, tuple[float, float]] = Kept(settings.clients)

    def pay(self, client: str, points: int) -> int:
        """Take points from a client. Return 0, or the seconds until it has enough."""
        now = self._clock()
        have, then = self._clients.get(client) or (float(self._burst), now)
        have = min(self._burst, have + (now - then) * self._earned)
        if have < points:
            self._clients.put(client, (have, now))
            return int((points - have) / self._earned) + 1
        self._clients.put(client, (have - points, now))
        return 0


class Guard:
    """Refuses what is over a limit before the application sees it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._purse = Purse(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = _Sender(send)
        if refusal := self._refusal(scope):
            await _refuse(sender, *refusal)
            return
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                await self._app(scope, receive, sender)
        except TimeoutError:
            if not sender.started:
                await _refuse(
                    sender, HTTPStatus.SERVICE_UNAVAILABLE, "The answer took too long. Try again in a moment.", {"Retry-After": "5"}
                )

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str, Mapping[str, str]] | None:
        if _host(scope) not in self._settings.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "This host name is not served here. Name it with --public.", {}
        if scope["method"] not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are answered.", {"Allow": ", ".join(METHODS), "Connection": "close"}
        if _has_body(scope):
            # Otherwise the server would read and discard the body for as long as the client sends.
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A request has no body here.", {"Connection": "close"}
        if len(scope["query_string"]) > self._settings.longest_query:
            return HTTPStatus.REQUEST_URI_TOO_LONG, f"The query is longer than {self._settings.longest_query} bytes.", {}
        points = 0 if scope["path"].startswith(FREE_PATHS) else RENDERING_COSTS if scope["path"] in RENDERING_PATHS else 1
        if points and (seconds := self._purse.pay(_client(scope), points)):
            return HTTPStatus.TOO_MANY_REQUESTS, "Too many requests. Wait a moment.", {"Retry-After": str(seconds)}
        return None


HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::[0-9]{1,5})?")


def _host(scope: Scope) -> str:
    """Return the host name of a request without its port."""
    hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    found = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return found[1] if found else ""


def _client(scope: Scope) -> str:
    """Return the address that points are counted for: of IPv6 the /64, the least that a host is given."""
    found: str = scope["client"][0] if scope["client"] else ""
    try:
        address = ip_address(found)
    except ValueError:  # a proxy may send any value
        return found
    if not isinstance(address, IPv6Address):
        return found
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))


def _has_body(scope: Scope) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")) for name, value in scope["headers"])


class _Sender:
    """Sends a response with the security headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *(pair for pair in added if pair[0] not in present)]}
        await self._send(message)


async def _refuse(send: Send, status: HTTPStatus, text: str, headers: Mapping[str, str]) -> None:
    body = f"{text}\n".encode()
    named = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Cache-Control": "no-store", **headers}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _make_room(newest: Any, connections: Iterable[Any], most: int) -> None:
    """End the connection that has waited longest for a request, where there are too many for a new one."""
    there = [each for each in connections if not each.transport.is_closing()]
    waiting = [each for each in there if each is not newest and not each.patience.cancelled()]
    if waiting and len(there) >= most:
        min(waiting, key=lambda each: each.patience.when()).transport.abort()


def protocol(settings: Settings) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol with a limit on the time that a client takes to send a request, which uvicorn does not have.

    Nor does a client that opens all connections and says nothing keep others out.
    """

    class Impatient(H11Protocol):
        patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            self.patience = self.loop.call_later(settings.header_seconds, self._give_up)
            _make_room(self, self.connections, settings.connections)

        def _give_up(self) -> None:
            if self.conn.our_state not in {h11.SEND_RESPONSE, h11.SEND_BODY}:
                self.transport.close()

        def handle_events(self) -> None:
            super().handle_events()
            if self.patience and self.conn.their_state is not h11.IDLE:
                self.patience.cancel()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.patience:
                self.patience.cancel()
            self.patience = self.loop.call_later(settings.header_seconds, self._give_up)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.patience:
                self.patience.cancel()
            super().connection_lost(exc)

    return Impatient
