"""Which migrations a database lacks, and how to bring it up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.problems import Unavailable
from app.settings import Settings


def alembic_config(settings: Settings | None = None) -> Config:
    """Alembic's configuration for the package's own migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["settings"] = settings
    return config


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Apply migrations up to a revision. Opens an event loop of its own."""
    command.upgrade(alembic_config(settings), revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Take migrations back to a revision."""
    command.downgrade(alembic_config(settings), revision)


async def missing_revisions(engine: AsyncEngine) -> set[str]:
    """Heads of this release that the database has not reached. Raises Unavailable.

    A database that is ahead lacks nothing: after a roll-back, the older release runs on the newer schema.
    """
    try:
        async with engine.connect() as connection:
            current = await connection.run_sync(_current_heads)
    except (DBAPIError, PoolTimeoutError) as error:
        raise Unavailable from error
    return _missing(current)


def _current_heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _missing(current: tuple[str, ...]) -> set[str]:
    scripts = ScriptDirectory.from_config(alembic_config())
    heads = set(scripts.get_heads())
    reached: set[str] = set()
    for revision in current:
        try:
            reached.update(script.revision for script in scripts.iterate_revisions(revision, "base"))
        except (CommandError, RevisionError):
            return set()  # a revision of a newer release
    return heads - reached
