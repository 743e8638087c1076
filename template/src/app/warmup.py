"""Warms a process up before it is ready, so that its first requests are as fast as later ones."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI

from app.composition import Resources
from app.kit.problems import Unavailable
from app.kit.redis import OUTAGES, check_writable

log = structlog.stdlib.get_logger(__name__)

# Seconds. If the warm-up takes longer, the process starts to serve without it.
PATIENCE = 10.0


async def warm_up(application: FastAPI, resources: Resources) -> None:
    """Open the connections and send one request through all layers and routers, which are built on first use.

    An outage does not stop the start: the process then serves as it does in any later outage.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await resources.database.fill()
            await asyncio.gather(*(check_writable(redis) for redis in (resources.redis, resources.cache.redis)))
            await _ask(application, f"{resources.settings.route_prefix}/health/warm-up")
    except (Unavailable, TimeoutError, *OUTAGES) as error:
        log.warning("not warmed up", error=type(error).__name__)
    except Exception:
        # A process without warm-up still serves; a process that never becomes ready does not.
        log.exception("not warmed up")


async def _ask(application: FastAPI, path: str) -> None:
    """Request a path that no router has, so that every router is tried."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Discard the response."""

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": None,
        "server": None,
    }
    await application(scope, receive, send)
