"""PostgreSQL that stops answering in the middle of a statement, and values that it refuses."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.composition import Resources
from app.kit import database as kit_database
from app.kit.database import Database, is_unstorable
from app.kit.problems import Unavailable
from app.settings import Settings


@pytest.fixture
async def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A pool that gives up after a quarter of a second without a response."""
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


async def test_a_reading_is_no_transaction(impatient: Database) -> None:
    # If a transaction ended without a commit, the setting would be undone.
    await impatient.read(text("SELECT set_config('app.test', :value, false)"), {"value": "kept"})
    (row,) = await impatient.read(text("SELECT current_setting('app.test', true) AS value"))
    assert row == {"value": "kept"}


async def test_a_connection_that_the_server_closed_is_replaced_unseen(
    impatient: Database, resources: Resources
) -> None:
    closed = await backend(impatient)
    await backend(resources.database, f"SELECT pg_terminate_backend({closed})")
    await asyncio.sleep(0.05)
    assert await backend(impatient) != closed


async def test_only_a_connection_that_was_idle_is_asked(impatient: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(kit_database, "_answers", asked.append)
    first = await backend(impatient)
    assert await backend(impatient) == first
    assert asked == []
    monkeypatch.setattr(kit_database, "IDLE", 0.0)
    # The fake ping returns None, so the connection counts as dead.
    assert await backend(impatient) != first
    assert len(asked) == 1


async def test_an_idle_connection_that_answers_is_kept(impatient: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_database, "IDLE", 0.0)
    assert await backend(impatient) == await backend(impatient)


async def test_waiters_for_a_connection_are_served_in_their_order(impatient: Database) -> None:
    served: list[int] = []

    async def wait_in_line(number: int) -> None:
        for _ in range(3):
            await impatient.read(text("SELECT 1"))
            served.append(number)

    await asyncio.gather(*(wait_in_line(number) for number in range(4)))
    assert served == [0, 1, 2, 3] * 3


async def test_a_wait_for_a_connection_has_an_end(impatient: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impatient.engine.pool, "_timeout", 0.05)
    async with impatient.engine.connect():
        with pytest.raises(PoolTimeoutError):
            await backend(impatient)
    await backend(impatient)


async def test_a_connection_that_cannot_be_made_gives_its_turn_back(settings: Settings) -> None:
    nowhere = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "database_pool_size": 1}
    database = Database(settings.model_copy(update=nowhere))
    for _ in range(3):
        with pytest.raises(Unavailable):
            await backend(database)
    await database.close()


async def test_a_silent_server_is_given_up_and_its_connection_with_it(impatient: Database) -> None:
    silent = await backend(impatient)
    with pytest.raises(TimeoutError):
        await backend(impatient, "SET LOCAL statement_timeout = 0", "SELECT pg_sleep(30)")
    assert await backend(impatient) != silent


@pytest.mark.parametrize(
    ("column", "value"),
    [("text", "a\x00b"), ("varchar(3)", "long"), ("integer", 2**40), ("numeric(3)", Decimal(1000))],
)
async def test_a_value_that_does_not_fit_its_column_is_told_from_a_mistake(
    impatient: Database, column: str, value: object
) -> None:
    create, write = f"CREATE TEMP TABLE narrow (value {column})", "INSERT INTO narrow VALUES (:value)"
    async with impatient.engine.connect() as connection:
        await connection.execute(text(create))
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text(write), {"value": value})
    assert is_unstorable(refused.value)


@pytest.mark.parametrize(
    ("statement", "values"), [("SELECT 1 / 0", {}), ("SELECT CAST(:value AS integer)", {"value": "one"})]
)
async def test_a_mistake_of_the_service_is_no_unstorable_value(
    impatient: Database, statement: str, values: dict[str, str]
) -> None:
    with pytest.raises(DBAPIError) as failed:
        await impatient.read(text(statement), values)
    assert not is_unstorable(failed.value)
