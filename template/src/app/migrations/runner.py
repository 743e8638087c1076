"""Alembic on the package's own migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app.migrations.failure import MigrationError
from app.settings import Settings

# Class of SQLSTATE: no such role, or not its password.
REFUSED_LOGIN = "28"


def alembic_config(settings: Settings | None = None) -> Config:
    """Alembic's configuration; without settings, migrations read them from the environment."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["settings"] = settings
    return config


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Apply migrations up to a revision. Opens an event loop of its own. Raises MigrationError."""
    try:
        command.upgrade(alembic_config(settings), revision)
    except OSError as error:
        raise MigrationError(f"PostgreSQL does not answer: {error}. Run `app dev`, or set DATABASE_URL") from error
    except DBAPIError as error:
        if not str(getattr(error.orig, "sqlstate", None) or "").startswith(REFUSED_LOGIN):
            raise
        raise MigrationError(
            f"PostgreSQL refuses the login: {error.orig}. `app database-roles` makes the roles, with their passwords"
        ) from error
    except CommandError as error:
        # Such as a revision that the database has and this code has not.
        raise MigrationError(f"{error}. Bring the migration back, or use another database") from error


def downgrade(settings: Settings, revision: str) -> None:
    """Take migrations back to a revision. Opens an event loop of its own."""
    command.downgrade(alembic_config(settings), revision)
