"""The features' revisions, and the revisions that a database lacks.

Reads the files without Alembic, whose import would cost every process 0.3 s and its memory. A feature's revisions are a
branch of their own: their ids begin with the feature's name, and no feature waits for another's migrations unless it
names them in `depends_on`.
"""

import io
import tokenize
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.composition import feature_packages
from app.kit.database import Model
from app.kit.problems import Unavailable
from app.migrations.failure import MigrationError

_PACKAGE = Path(__file__).parents[1]

# All tables of a database except those of extensions.
TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition AND NOT EXISTS (
        SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
    )
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """A migration, its predecessors in the same branch, and the revisions of other branches on which it depends."""

    id: str
    file: Path
    follows: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def feature(self) -> str:
        """The feature whose folder holds it."""
        return self.file.parent.parent.name

    @property
    def path(self) -> str:
        """Where it is, for people."""
        return "/".join(self.file.parts[-4:])


@dataclass(frozen=True, slots=True)
class Revisions:
    """All revisions of this release by id, and the features that may have revisions."""

    features: frozenset[str]
    by_id: Mapping[str, Revision]

    @classmethod
    def read(cls, folders: Iterable[Path] | None = None) -> Self:
        """Read the folders of all features, or some folders.

        Raises MigrationError if two files have the same revision, or if one follows or needs a revision that is not
        there.
        """
        folders = version_folders() if folders is None else list(folders)
        by_id: dict[str, Revision] = {}
        for file in (file for folder in folders for file in sorted(folder.glob("*.py"))):
            revision = _read(file)
            if revision.id in by_id:
                raise MigrationError(
                    f"{by_id[revision.id].path} and {revision.path} have the same revision; give one of them another"
                )
            by_id[revision.id] = revision
        for revision in by_id.values():
            _check_parents(revision, by_id)
        return cls(frozenset(folder.parent.name for folder in folders), by_id)

    def check_heads(self) -> None:
        """Raise MigrationError if two heads have the same first revision, because they may not fit together."""
        heads: dict[str, Revision] = {}
        for head in sorted(self.heads()):
            for base in self._bases(head):
                if base in heads:
                    raise MigrationError(_two_heads(heads[base], self.by_id[head]))
                heads[base] = self.by_id[head]

    def heads(self) -> set[str]:
        """Return the revisions without a successor: one per branch, once `check_heads` has passed."""
        return set(self.by_id) - {parent for revision in self.by_id.values() for parent in revision.follows}

    def applied(self, current: Collection[str]) -> set[str]:
        """Return all revisions that a database has: those on its record and their predecessors."""
        return self._with_ancestors(current, lambda revision: (*revision.follows, *revision.needs))

    def unknown(self, current: Collection[str]) -> list[str]:
        """Return recorded revisions that this code lacks: those of a newer release or of a deleted feature."""
        return sorted(set(current) - self.by_id.keys())

    def gone(self, current: Collection[str]) -> list[str]:
        """Return unknown revisions of features that this code lacks: deleted, or newer than this release."""
        return [revision for revision in self.unknown(current) if feature_of(revision) not in {*self.features, None}]

    def missing(self, current: Collection[str]) -> set[str]:
        """Heads that a database has not reached.

        A feature with a revision that this code does not know counts as complete: after a rollback, the older release
        runs on the newer schema.
        """
        ahead = {feature_of(revision) for revision in self.unknown(current)}
        if None in ahead:
            return set()  # the feature of a revision is not known
        missing = self.heads() - self.applied(current)
        return {head for head in missing if not ahead & {self.by_id[base].feature for base in self._bases(head)}}

    def explain_unknown(self, unknown: Collection[str], tables: Collection[str]) -> str:
        """Return one line about unknown revisions, with the remedy. `tables` are those of the database."""
        gone = [revision for revision in unknown if feature_of(revision) not in self.features]
        if newer := sorted(set(unknown) - set(gone)):
            return (
                f"the database has {', '.join(newer)}, which this code lacks; deploy the release that has it, "
                "or bring its file back"
            )
        options = " ".join(f"--forget {revision}" for revision in gone)
        left = ", ".join(sorted(set(tables) - set(Model.metadata.tables) - {"alembic_version"}))
        drop = f", then drop its tables once nobody needs their rows ({left})" if left else ""
        return (
            f"the database has {', '.join(gone)}, of no feature in this code; deploy the release that has it, "
            f"or, if the feature was removed, run `app migrate {options}`{drop}"
        )

    def _bases(self, revision: str) -> set[str]:
        """Return the first revisions of a branch; there are several after a merge of branches."""
        line = self._with_ancestors([revision], lambda revision: revision.follows)
        return {name for name in line if not self.by_id[name].follows}

    def _with_ancestors(self, ids: Collection[str], parents: Callable[[Revision], tuple[str, ...]]) -> set[str]:
        found: set[str] = set()
        waiting = [name for name in ids if name in self.by_id]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += parents(self.by_id[name])
        return found


def version_folders(features: Iterable[str] | None = None) -> list[Path]:
    """The folders of migrations of all features, or of some. They need not exist."""
    return [_PACKAGE / name / "migrations" for name in (feature_packages() if features is None else features)]


def feature_of(revision: str) -> str | None:
    """Return the feature in an id, such as `orders` for `orders_3f9a1c`, or None for ids of another form."""
    return revision.rpartition("_")[0] or None


async def missing_revisions(engine: AsyncEngine) -> set[str]:
    """Heads of this release that the database has not reached. Raises Unavailable."""
    try:
        async with engine.connect() as connection:
            if not await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
                return Revisions.read().missing(())
            rows = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return Revisions.read().missing([str(row[0]) for row in rows])
    except (DBAPIError, PoolTimeoutError, TimeoutError) as error:
        raise Unavailable from error


def _read(file: Path) -> Revision:
    """Read the assignments at the head of a migration. They are strings, tuples or lists of strings, or None."""
    values: dict[str, tuple[str, ...]] = dict.fromkeys(("revision", "down_revision", "depends_on"), ())
    head = file.read_text(encoding="utf-8").partition("\ndef ")[0]
    name, strings = "", list[str]()
    # Not `ast`: Python 3.11's parser fails if the garbage collector ends one of SQLAlchemy's greenlets meanwhile.
    for token in tokenize.generate_tokens(io.StringIO(f"{head}\n").readline):
        if token.type == tokenize.NAME and token.start[1] == 0 and token.string in values:
            name, strings = token.string, []
        elif token.type == tokenize.STRING:
            strings.append(token.string.strip("\"'"))
        elif token.type == tokenize.NEWLINE and name:
            values[name], name = tuple(strings), ""
    if len(values["revision"]) != 1:
        raise MigrationError(f"{file.name} names no revision")
    return Revision(values["revision"][0], file, values["down_revision"], values["depends_on"])


def _check_parents(revision: Revision, by_id: Mapping[str, Revision]) -> None:
    for name, parents in (("down_revision", revision.follows), ("depends_on", revision.needs)):
        for parent in parents:
            if parent not in by_id:
                raise MigrationError(
                    f"{revision.path}: {name} is {parent}, which no feature of this code has; "
                    "bring that feature back, or name another revision"
                )


def _two_heads(first: Revision, second: Revision) -> str:
    return (
        f"the migrations of {first.feature} have two heads, {first.path} and {second.path}; join them with "
        f'`app alembic merge -m "Join" {first.id} {second.id}`, or let one follow the other if no database has it yet'
    )
