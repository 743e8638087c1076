"""Alembic's environment: the service's settings, one runner at a time, and no long waits for locks."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.schema import SchemaItem

from app.composition import discover
from app.kit.database import Model, connector
from app.migrations.failure import MigrationError
from app.migrations.revisions import TABLES, Revisions
from app.settings import Settings

# An arbitrary constant, shared by all processes that migrate this database.
ADVISORY_LOCK = 7_266_726
# A migration that waits for a lock makes every later query on that table wait behind it.
LOCK_TIMEOUT = "5s"

# Roles, quoted where necessary, that may write to the record of migrations but do not own it.
_WRITERS = """
    SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl)
    WHERE pg_class.oid = to_regclass('alembic_version') AND grantee NOT IN (0, relowner)
    AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE')
"""

discover()  # imports the features' models, so that autogenerate sees their tables


def migrate(connection: Connection) -> None:
    """Run the migrations in one transaction, under the lock. Raises MigrationError."""
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        compare_server_default=True,
        include_object=is_compared,
    )
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = 0"))  # another runner may take minutes
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        forget_revisions(connection)
        refuse_unknown(connection)
        drop_implied(connection)
        context.run_migrations()
        record_each_branch(connection)
        protect_record(connection)


def is_compared(_item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:
    """Return whether autogenerate compares a table: only tables with a model, of the feature if one is named."""
    if kind != "table":
        return True
    prefix = f"app.{context.config.attributes['only']}." if context.config.attributes.get("only") else "app."
    # A table without a class has no owner, so the feature whose migration is being written takes it.
    owners = {mapper.class_.__tablename__: f"{mapper.class_.__module__}." for mapper in Model.registry.mappers}
    return name in Model.metadata.tables and owners.get(str(name), prefix).startswith(prefix)


def forget_revisions(connection: Connection) -> None:
    """Remove the revisions of deleted features from the record, as requested."""
    forget = context.config.attributes.get("forget", ())
    if forget and connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        delete = text("DELETE FROM alembic_version WHERE version_num = :id")
        connection.execute(delete, [{"id": revision} for revision in forget])


def refuse_unknown(connection: Connection) -> None:
    """Raise MigrationError if the database has a revision that this code lacks."""
    revisions = _revisions()
    if unknown := revisions.unknown(context.get_context().get_current_heads()):
        raise MigrationError(revisions.explain_unknown(unknown, connection.scalars(text(TABLES)).all()))


def drop_implied(connection: Connection) -> None:
    """Remove revisions on which others depend from the record, as Alembic expects."""
    current = context.get_context().get_current_heads()
    for revision in current:
        if revision in _revisions().applied([other for other in current if other != revision]):
            connection.execute(text("DELETE FROM alembic_version WHERE version_num = :id"), {"id": revision})


def record_each_branch(connection: Connection) -> None:
    """Record the last revision of every branch, including those that Alembic omits because others depend on them.

    Otherwise, after the removal of the feature that depends on them, no record would show that their tables exist.
    """
    revisions, current = _revisions(), set(context.get_context().get_current_heads())
    applied = revisions.applied(current)
    last = applied - {parent for revision in applied for parent in revisions.by_id[revision].follows}
    for revision in sorted(last - current):
        connection.execute(text("INSERT INTO alembic_version VALUES (:id)"), {"id": revision})


def protect_record(connection: Connection) -> None:
    """Revoke the application's rights on the record of applied migrations, which default privileges have granted."""
    for role in connection.execute(text(_WRITERS)).scalars().all():
        connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}"))


def _revisions() -> Revisions:
    revisions: Revisions = context.config.attributes["revisions"]
    return revisions


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
