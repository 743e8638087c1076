"""What a process does before it is ready, so that its first requests take no longer than the later ones."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI

from app.kit.problems import Unavailable
from app.kit.redis import OUTAGES, check_writable
from app.kit.resources import Resources

log = structlog.stdlib.get_logger(__name__)

# Seconds. A process that cannot warm up by then serves cold.
PATIENCE = 10.0


async def warm_up(application: FastAPI, resources: Resources) -> None:
    """Open the connections and pass one request through all layers and routers, which make themselves on the first.

    An outage delays nothing: the process serves as it does in an outage that comes later.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await resources.database.fill()
            await asyncio.gather(*(check_writable(redis) for redis in (resources.redis, resources.cache.redis)))
            await _ask(application, f"{resources.settings.route_prefix}/health/warm-up")
    except (Unavailable, TimeoutError, *OUTAGES) as error:
        log.warning("not warmed up", error=type(error).__name__)
    except Exception:
        # A process that is cold serves; one that never becomes ready does not.
        log.exception("not warmed up")


async def _ask(application: FastAPI, path: str) -> None:
    """A request for something that no router has, so that each one looks."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Nobody waits for the answer."""

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
