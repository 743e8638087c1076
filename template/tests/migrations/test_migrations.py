"""Migrations: complete, reversible, in one line."""

import asyncio
import os

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from app.dev.databases import ensure_database
from app.kit.database import Database, Model
from app.migrations.failure import MigrationError
from app.migrations.revisions import missing_revisions, read_parents
from app.migrations.runner import alembic_config, downgrade, upgrade
from app.settings import Settings


@pytest.fixture
def empty(settings: Settings) -> Settings:
    """Settings over a database without tables."""
    url = make_url(settings.database_address())
    name = f"{url.database}_empty"
    server = os.environ["TEST_DATABASE_SERVER"]
    asyncio.run(ensure_database(server, name, fresh=True))
    address = url.set(database=name).render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": address})


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Model.metadata))


def tables(settings: Settings) -> set[str]:
    async def read() -> set[str]:
        database = Database(settings)
        async with database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            names = {str(row[0]) for row in rows}
        await database.close()
        return names

    return asyncio.run(read())


def _parents(given: object) -> tuple[object, ...]:
    return given if isinstance(given, tuple) else (given,) if given else ()


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_the_start_up_check_reads_the_files_as_alembic_does() -> None:
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    assert read_parents() == {script.revision: _parents(script.down_revision) for script in scripts}


def test_up_down_and_up_again(empty: Settings) -> None:
    upgrade(empty)
    assert tables(empty) >= set(Model.metadata.tables)
    downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    upgrade(empty)
    assert tables(empty) >= set(Model.metadata.tables)


def test_the_models_hold_nothing_that_migrations_lack(empty: Settings) -> None:
    upgrade(empty)

    async def compare() -> list[object]:
        database = Database(empty)
        async with database.engine.connect() as connection:
            found = await connection.run_sync(differences)
        await database.close()
        return found

    assert asyncio.run(compare()) == []


def test_an_empty_database_misses_the_head_and_a_newer_one_misses_nothing(empty: Settings) -> None:
    async def missing(statement: str | None) -> set[str]:
        database = Database(empty)
        if statement:
            async with database.engine.begin() as connection:
                await connection.execute(text(statement))
        found = await missing_revisions(database.engine)
        await database.close()
        return found

    heads = set(ScriptDirectory.from_config(alembic_config()).get_heads())
    assert asyncio.run(missing(None)) == heads
    upgrade(empty)
    assert asyncio.run(missing(None)) == set()
    assert asyncio.run(missing("UPDATE alembic_version SET version_num = '9999'")) == set()


def test_a_revision_that_this_code_lacks_is_told(empty: Settings) -> None:
    async def forget() -> None:
        database = Database(empty)
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = 'gone'"))
        await database.close()

    upgrade(empty)
    asyncio.run(forget())
    with pytest.raises(MigrationError, match="gone"):
        upgrade(empty)
