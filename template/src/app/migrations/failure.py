"""The message of a command whose migrations cannot run. Not in the runner: serving processes load no Alembic."""


class MigrationError(Exception):
    """The migrations cannot run; the text says why, and what to do."""
