"""Whether this process accepts requests: it has started and is not draining."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from app.health.probes import Probes
from app.kit.database import Database
from app.kit.problems import Unavailable
from app.migrations.revisions import missing_revisions

log = structlog.stdlib.get_logger(__name__)

_RETRY_SECONDS = 1.0


@dataclass
class ServingState:
    """`started` is set once the process serves; `draining` once it is shutting down."""

    started: bool = False
    draining: bool = False
    probes: Probes = field(default_factory=Probes)

    @property
    def serving(self) -> bool:
        """True while requests are accepted. An outage of a dependency does not change it."""
        return self.started and not self.draining


async def await_database(database: Database, state: ServingState, warm_up: Callable[[], Awaitable[None]]) -> None:
    """Mark the process as started once PostgreSQL has this release's migrations and the warm-up is done."""
    while not state.started:
        try:
            missing = await missing_revisions(database.engine)
        except Unavailable:
            missing = {"unknown: the database does not answer"}
        if not missing:
            await warm_up()
            state.started = True
        else:
            log.warning("not started: migrations are missing", missing=sorted(missing))
            await asyncio.sleep(_RETRY_SECONDS)
