"""A database without tables, and what is in it."""

import asyncio
import os

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.dev.databases import ensure_database
from app.kit.database import Database
from app.migrations.revisions import missing_revisions
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


def tables(settings: Settings) -> set[str]:
    async def read() -> set[str]:
        database = Database(settings)
        async with database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            names = {str(row[0]) for row in rows}
        await database.close()
        return names

    return asyncio.run(read())


def sql(settings: Settings, statement: str) -> None:
    async def execute() -> None:
        database = Database(settings)
        async with database.engine.begin() as connection:
            await connection.execute(text(statement))
        await database.close()

    asyncio.run(execute())


def recorded(settings: Settings) -> set[str]:
    async def read() -> set[str]:
        database = Database(settings)
        async with database.engine.connect() as connection:
            found = {str(row[0]) for row in await connection.execute(text("SELECT version_num FROM alembic_version"))}
        await database.close()
        return found

    return asyncio.run(read())


def missing(settings: Settings) -> set[str]:
    async def read() -> set[str]:
        database = Database(settings)
        found = await missing_revisions(database.engine)
        await database.close()
        return found

    return asyncio.run(read())
