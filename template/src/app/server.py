"""Serve the API with uvicorn, as its load balancer needs it."""

import signal
import socket
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.connections import BoundedProtocol, BoundedServer
from app.health.state import ServingState
from app.main import create_app

# Seconds in which each response closes its connection. Connections without a request in this time are then closed.
DRAIN_SECONDS = 2.0
# Fits into the pod's grace period of 60 s, after 20 s of preStop sleep and the draining.
GRACEFUL_SHUTDOWN_SECONDS = 30


class ApiServer(BoundedServer):
    """uvicorn with a graceful shutdown: running requests finish, connections are closed, and the exit status is 0.

    While draining it still serves requests, but each response closes its connection. A second signal ends the draining.
    """

    def __init__(self, config: uvicorn.Config, state: ServingState, drain: float) -> None:
        super().__init__(config)
        self._state = state
        self._drain = drain
        self._leave_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's signature
        """Begin to drain; at a second signal, stop."""
        if not self._state.draining:
            self._state.draining = True
            self._leave_at = time.monotonic() + self._drain
            return
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Stop once drained. uvicorn calls this ten times a second."""
        if self._state.draining and (time.monotonic() >= self._leave_at or not self.server_state.connections):
            self.should_exit = True
        return await super().on_tick(counter)


def closing_while_draining(application: ASGIApp, state: ServingState) -> ASGIApp:
    """The application. While it drains, its responses close their connections."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_closing(message: Message) -> None:
            if state.draining and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await application(scope, receive, send_closing)

    return serve


def api_server(
    application: FastAPI, host: str, port: int, drain: float, protocol: type[BoundedProtocol] = BoundedProtocol
) -> ApiServer:
    """A server of the application, as production needs it."""
    state: ServingState = application.state.serving
    config = uvicorn.Config(
        closing_while_draining(application, state),
        host=host,
        port=port,
        log_config=None,
        # The service logs requests itself, with their ids.
        access_log=False,
        # X-Forwarded-For is read by the service, which knows how many proxies to trust.
        proxy_headers=False,
        server_header=False,
        http=protocol,
        # No feature uses WebSockets, and their connections would have no limits.
        ws="none",
        # The protocol's own deadline counts: uvicorn's ends with the first byte, even if the request never follows.
        timeout_keep_alive=int(protocol.bounds.idle_seconds),
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    return ApiServer(config, state, drain)


def run_api(
    host: str = "0.0.0.0",  # noqa: S104  the pod's own address
    port: int = 8000,
    listener: socket.socket | None = None,
    drain: float = DRAIN_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT, on a given socket rather than host and port. Raises ConfigurationError."""
    api_server(create_app(), host, port, drain).run([listener] if listener else None)
