"""What a command says when migrations cannot run. Apart from the runner: serving processes load no Alembic."""


class MigrationError(Exception):
    """The migrations cannot run; the text says why, and what to do."""
