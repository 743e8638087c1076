"""How Alembic runs: on the service's own settings, one runner at a time, never waiting long for a lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.features import discover
from app.kit.database import Model, connector
from app.settings import Settings

# Any constant: all runners of this database must agree on it.
ADVISORY_LOCK = 7_266_726
# A migration that waits for a lock makes every later query on that table wait behind it.
LOCK_TIMEOUT = "5s"

# Roles, quoted where they need it, that may write to the record and do not own it.
_WRITERS = """
    SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
    WHERE pg_class.oid = to_regclass('alembic_version') AND grantee NOT IN (0, relowner)
    AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE')
"""

discover()  # imports the features' models, so that autogenerate sees their tables


def migrate(connection: Connection) -> None:
    """Run the migrations in one transaction, under the lock."""
    context.configure(connection=connection, target_metadata=Model.metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = 0"))  # another runner may take minutes
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()
        protect_record(connection)


def protect_record(connection: Connection) -> None:
    """Leave the record of applied migrations to its owner: default privileges have just given it to the application."""
    for role in connection.execute(text(_WRITERS)).scalars().all():
        connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}"))


async def run() -> None:
    """Connect as DATABASE_USER and migrate."""
    settings = context.config.attributes.get("settings") or Settings.load()
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connector(settings), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations run on a database; offline SQL is not supported")
asyncio.run(run())
