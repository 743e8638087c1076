"""Alembic on the features' migrations."""

import os
from argparse import Namespace
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from alembic import command
from alembic.config import CommandLine, Config
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from app.composition import feature_packages
from app.kit.configuration import project_root
from app.migrations.failure import MigrationError
from app.migrations.revisions import Revisions, feature_of, version_folders
from app.settings import Settings

# SQLSTATE class of a refused login: unknown role or wrong password.
REFUSED_LOGIN = "28"
# SQLSTATEs of a table, or another object, that exists already.
EXISTS_ALREADY = {"42P07", "42710", "42723"}
# Length of the column in which Alembic records a revision.
LONGEST_ID = 32


def alembic_config(
    settings: Settings | None = None,
    *,
    folders: Sequence[Path] | None = None,
    forget: Collection[str] = (),
    only: str | None = None,
    options: Namespace | None = None,
) -> Config:
    """Alembic's configuration; without settings, migrations read them from the environment.

    Without `folders`, the migrations of all features are run. Revisions to `forget` are taken off the record. `only` is
    the feature whose tables are compared with its models. Raises MigrationError.
    """
    folders = version_folders() if folders is None else folders
    # A project has this file. An image has none, and generates no migrations.
    config = Config(toml_file=str(project_root() / "pyproject.toml"), cmd_opts=options)
    for name, value in {
        "script_location": str(Path(__file__).parent),
        "path_separator": "os",
        "version_locations": os.pathsep.join(str(folder) for folder in folders),
    }.items():
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes.update(settings=settings, revisions=Revisions.read(folders), forget=forget, only=only)
    return config


def upgrade(
    settings: Settings,
    revision: str = "heads",
    *,
    forget: Collection[str] = (),
    folders: Sequence[Path] | None = None,
) -> None:
    """Apply migrations up to a revision. Opens an event loop of its own. Raises MigrationError."""
    config = alembic_config(settings, folders=folders, forget=forget)
    revisions: Revisions = config.attributes["revisions"]
    if known := [one for one in forget if feature_of(one) in revisions.features]:
        raise MigrationError(f"{known[0]} is a revision of {feature_of(known[0])}, which this code has; not forgotten")
    revisions.check_heads()
    with _explained("`app alembic history` lists the revisions"):
        command.upgrade(config, revision)


def downgrade(settings: Settings, revision: str, *, folders: Sequence[Path] | None = None) -> None:
    """Revert migrations to a revision. Opens an event loop of its own. Raises MigrationError."""
    with _explained("`app alembic history` lists the revisions"):
        command.downgrade(alembic_config(settings, folders=folders), revision)


def write_revision(settings: Settings, feature: str, message: str) -> None:
    """Create a migration from the difference between a feature's models and the database. Raises MigrationError."""
    if feature not in feature_packages():
        raise MigrationError(f"there is no feature {feature}; the features are {', '.join(feature_packages())}")
    config = alembic_config(settings, only=feature)
    revisions: Revisions = config.attributes["revisions"]
    revisions.check_heads()
    heads = [head for head in revisions.heads() if revisions.by_id[head].feature == feature]
    name = f"{feature}_{uuid4().hex[:6]}"
    if len(name) > LONGEST_ID:
        raise MigrationError(f"{feature} is too long a name for a feature with tables: {LONGEST_ID - 7} letters fit")
    with _explained("Run `app migrate` first"):
        command.revision(
            config,
            message,
            autogenerate=True,
            head=heads[0] if heads else "base",
            branch_label=None if heads else feature,
            version_path=version_folders([feature])[0],
            rev_id=name,
        )


def run_alembic(arguments: Sequence[str]) -> None:
    """Run Alembic's own command line on the features' migrations. Raises MigrationError."""
    line = CommandLine("app alembic")
    options = line.parser.parse_args(arguments)
    if not hasattr(options, "cmd"):
        line.parser.error("name a command")
    options.raiseerr = True
    with _explained("`app alembic history` lists the revisions"):
        line.run_cmd(alembic_config(options=options), options)


@contextmanager
def _explained(remedy: str) -> Iterator[None]:
    """Turn errors of Alembic and PostgreSQL into a MigrationError of one line; `remedy` is for Alembic's errors."""
    try:
        yield
    except OSError as error:
        raise MigrationError(f"PostgreSQL does not answer: {error}. Run `app dev`, or set DATABASE_URL") from error
    except DBAPIError as error:
        if explanation := _explain(error):
            raise MigrationError(explanation) from error
        raise
    except CommandError as error:
        raise MigrationError(f"{str(error).rstrip('.')}. {remedy}") from error


def _explain(error: DBAPIError) -> str | None:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state.startswith(REFUSED_LOGIN):
        return f"PostgreSQL refuses the login: {error.orig}. `app database-roles` makes the roles, with their passwords"
    if state in EXISTS_ALREADY:
        return (
            f"a migration would create what is there already: {error.orig}. Drop that; or, if the migration would make "
            "the same, run `app alembic stamp FEATURE@head`"
        )
    return None
