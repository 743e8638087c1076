"""Probes of the dependencies. Concurrent callers share one probe, which ends before a load balancer's time-out."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.kit.problems import Unavailable
from app.kit.redis import OUTAGES

log = structlog.stdlib.get_logger(__name__)

# Seconds. The database's own time-outs notice a hanging server much later.
PATIENCE = 2.0

Question = Callable[[], Awaitable[object]]


class Probes:
    """Running probes, by the name of the dependency."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Task[bool]] = {}

    async def answers(self, name: str, ask: Question) -> bool:
        """Return whether a dependency answers within two seconds.

        While a probe hangs, no second one starts, because each would hold a connection of the pool.
        """
        task = self._asked.get(name)
        if task is None or task.done():
            task = self._asked[name] = asyncio.create_task(_answered(ask))
        # Do not cancel after the time-out: returning a silent connection takes as long as waiting for it.
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        return bool(done) and task.result()


async def _answered(ask: Question) -> bool:
    try:
        await ask()
    except (Unavailable, *OUTAGES):
        return False
    except Exception:
        # A probe must not fail: the load balancer would remove every pod for a fault of one dependency.
        log.exception("health probe failed")
        return False
    return True
