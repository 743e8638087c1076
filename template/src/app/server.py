"""Serve the API with uvicorn, as its load balancer needs it."""

import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.main import create_app

# The ALB keeps idle connections for 60 s: a server that closes them first gives random 502s.
KEEP_ALIVE_SECONDS = 75
# Within the pod's grace period of 60 s, after its 20 s of preStop sleep.
GRACEFUL_SHUTDOWN_SECONDS = 30


class ApiServer(uvicorn.Server):
    """uvicorn that reports `draining` from the moment it is told to stop."""

    def __init__(self, config: uvicorn.Config, application: FastAPI) -> None:
        super().__init__(config)
        self._application = application

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, then stop as uvicorn does."""
        self._application.state.serving.draining = True
        super().handle_exit(sig, frame)


def run_api(
    host: str = "0.0.0.0",  # noqa: S104  the pod's own address
    port: int = 8000,
    listener: socket.socket | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, on a given socket rather than host and port. Raises ConfigurationError."""
    application = create_app()
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        # The service logs requests itself, with their ids.
        access_log=False,
        # X-Forwarded-For is read by the service, which knows how many proxies to trust.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    ApiServer(config, application).run([listener] if listener else None)
