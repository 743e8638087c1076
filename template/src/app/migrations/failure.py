"""The error of a command whose migrations cannot run. Not in the runner, because serving processes load no Alembic."""


class MigrationError(Exception):
    """The migrations cannot run. The message contains the reason and the remedy."""
