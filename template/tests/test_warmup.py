"""A process that is ready has its connections, and its first request builds nothing."""

import pytest
from fastapi import FastAPI
from sqlalchemy.pool import QueuePool

from app.composition import Resources
from app.kit.database import Database
from app.main import create_app
from app.settings import Settings
from app.warmup import warm_up


async def test_a_ready_process_has_all_connections_and_all_layers(settings: Settings, resources: Resources) -> None:
    application: FastAPI = create_app(settings)
    database, before = Database(settings), resources.database
    application.state.resources = resources
    resources.database = database
    try:
        await warm_up(application, resources)
        pool = database.engine.pool
        assert isinstance(pool, QueuePool)
        assert (pool.checkedin(), pool.checkedout()) == (settings.database_pool_size, 0)
        assert application.middleware_stack is not None
    finally:
        resources.database = before
        await database.close()


async def test_an_outage_does_not_delay_the_start(
    application: FastAPI, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = resources.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    before, resources.database = resources.database, Database(nowhere)
    try:
        await warm_up(application, resources)
    finally:
        await resources.database.close()
        resources.database = before
    assert "not warmed up" in caplog.text
