"""Which migrations a database lacks. Reads the files itself: Alembic would cost every process 0.3 s and its memory."""

import ast
import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.problems import Unavailable

_ASSIGNMENT = re.compile(r"^(revision|down_revision)(?:: [^=]+)? = (.+)$", re.MULTILINE)


async def missing_revisions(engine: AsyncEngine) -> set[str]:
    """Heads of this release that the database has not reached. Raises Unavailable.

    A database that is ahead lacks nothing: after a roll-back, the older release runs on the newer schema.
    """
    try:
        async with engine.connect() as connection:
            if not await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
                return missing_from(set())
            rows = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return missing_from({str(row[0]) for row in rows})
    except (DBAPIError, PoolTimeoutError, TimeoutError) as error:
        raise Unavailable from error


def missing_from(current: set[str]) -> set[str]:
    """Heads that do not stand among the current revisions and their ancestors."""
    parents = read_parents()
    if not current <= parents.keys():
        return set()  # a revision of a newer release
    heads = parents.keys() - {parent for found in parents.values() for parent in found}
    return set(heads) - current


def read_parents() -> dict[str, tuple[str, ...]]:
    """Every revision of this release, with those that it follows."""
    versions = Path(__file__).parent / "versions"
    return dict(_read(file.read_text()) for file in sorted(versions.glob("*.py")))


def _read(source: str) -> tuple[str, tuple[str, ...]]:
    values = {name: ast.literal_eval(value) for name, value in _ASSIGNMENT.findall(source)}
    parents = values["down_revision"] or ()
    return values["revision"], (parents,) if isinstance(parents, str) else tuple(parents)
