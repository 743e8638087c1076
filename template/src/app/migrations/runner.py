"""Alembic on the package's own migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.settings import Settings


def alembic_config(settings: Settings | None = None) -> Config:
    """Alembic's configuration; without settings, migrations read them from the environment."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["settings"] = settings
    return config


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Apply migrations up to a revision. Opens an event loop of its own."""
    command.upgrade(alembic_config(settings), revision)


def downgrade(settings: Settings, revision: str) -> None:
    """Take migrations back to a revision. Opens an event loop of its own."""
    command.downgrade(alembic_config(settings), revision)
