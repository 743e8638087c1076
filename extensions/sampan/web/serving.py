"""The server: uvicorn with this package's limits, on a socket that is open already."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import uvicorn

from sampan.source import Template
from sampan.web.app import create_app
from sampan.web.guard import protocol
from sampan.web.settings import LOOPBACK_HOSTS, Settings


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def config_of(template: Template, settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration."""
    return uvicorn.Config(
        create_app(template, settings),
        http=protocol(settings),
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        limit_concurrency=settings.connections,
        timeout_keep_alive=int(settings.header_seconds),
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=settings.longest_query + 16_000,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
    )


class _Announcing(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], Any]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the server, and print its URL."""
        await super().startup(sockets)
        await asyncio.to_thread(self._ready)


def serve(
    template: Template, listener: socket.socket, names: tuple[str, ...], proxies: tuple[str, ...], *, ready: Callable[[], Any]
) -> None:
    """Serve until Ctrl-C; `ready` is called once requests are answered."""
    settings = replace(Settings(), hosts=(*LOOPBACK_HOSTS, *(name.lower() for name in names)), proxies=proxies)
    _Announcing(config_of(template, settings), ready).run(sockets=[listener])
