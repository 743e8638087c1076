"""PostgreSQL that stops answering in the middle of a statement."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.kit import database as kit_database
from app.kit.database import Database
from app.settings import Settings


@pytest.fixture
async def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A pool that takes a quarter of a second without an answer for silence."""
    monkeypatch.setattr(kit_database, "SILENCE_TIMEOUT", 0.05)
    update = {"database_statement_timeout": 0.2, "database_pool_size": 1}
    database = Database(settings.model_copy(update=update))
    yield database
    await database.close()


async def backend(database: Database, *statements: str) -> int:
    async with database.unit_of_work() as work:
        process: int = await work.session.scalar(text("SELECT pg_backend_pid()"))
        for statement in statements:
            await work.session.execute(text(statement))
    return process


async def test_a_silent_server_is_given_up_and_its_connection_with_it(impatient: Database) -> None:
    silent = await backend(impatient)
    with pytest.raises(TimeoutError):
        await backend(impatient, "SET LOCAL statement_timeout = 0", "SELECT pg_sleep(30)")
    assert await backend(impatient) != silent
