"""Personal data: the rows that features store about a user, for exports and for the deletion of an account.

A feature declares each of its tables that refers to a user, by a foreign key or by a column such as `owner_id`, in the
`personal_data` of its `feature.py`. `tests/test_personal_data.py` names the undeclared ones.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Table, delete, select

from app.kit.database import Database, Model

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UserRows:
    """The rows of a table that belong to a user: `of` returns the condition for a user's id.

    `hidden` columns are never exported: secrets and internals. `shape` changes a row before it is exported.
    Rows that are `kept` outlive the account, such as an audit log; all others are removed with it. `batch` rows are
    read or removed at a time: choose fewer where a row is large. The table needs a primary key of one column.
    """

    model: type[Model]
    of: Callable[[UUID], ColumnElement[bool]]
    hidden: frozenset[str] = frozenset()
    shape: Callable[[Row, UUID], Row] | None = None
    kept: bool = False
    batch: int = 500

    @property
    def table(self) -> Table:
        """The table."""
        return self.model.metadata.tables[self.model.__tablename__]

    async def read(self, database: Database, user_id: UUID) -> AsyncIterator[Row]:
        """Return the user's rows in the order of their key, as they are exported."""
        (key,) = self.table.primary_key
        condition, last = self.of(user_id), None
        while True:
            query = select(self.table).where(condition).order_by(key).limit(self.batch)
            if last is not None:
                query = query.where(key > last)
            # No connection is held while the caller waits for its client.
            rows = await database.read(query)
            for row in rows:
                yield self._exported(row, user_id)
            if len(rows) < self.batch:
                return
            last = rows[-1][key.name]

    async def remove(self, database: Database, user_id: UUID) -> int:
        """Delete the user's rows in batches, with one transaction each. Return their number."""
        if self.kept:
            return 0
        (key,) = self.table.primary_key
        some = select(key).where(self.of(user_id)).limit(self.batch)
        removed, total = self.batch, 0
        while removed == self.batch:
            async with database.unit_of_work() as work:
                query = delete(self.table).where(key.in_(some)).returning(key)
                removed = len((await work.session.execute(query)).all())
            total += removed
        return total

    def _exported(self, row: Row, user_id: UUID) -> Row:
        shaped = self.shape(row, user_id) if self.shape else row
        return {name: value for name, value in shaped.items() if name not in self.hidden}


async def export(database: Database, declared: Sequence[UserRows], user_id: UUID) -> AsyncIterator[bytes]:
    """Yield a JSON document with all rows of a user, by table, in parts, because it may not fit into memory."""
    yield b'{"exported_at":' + to_json(datetime.now(UTC)) + b',"records":{'
    for number, rows in enumerate(sorted(declared, key=lambda one: one.table.name)):
        yield b"," * (number > 0) + to_json(rows.table.name) + b":["
        first = True
        async for row in rows.read(database, user_id):
            yield b"," * (not first) + to_json(row)
            first = False
        yield b"]"
    yield b"}}"


async def erase(database: Database, declared: Sequence[UserRows], user_id: UUID) -> int:
    """Delete all rows of a user except those that are kept. Return their number. Can be repeated.

    Repeats until nothing is left: removing a task waits for its worker, which may write more rows of the user first.
    """
    total, removed = 0, -1
    while removed:
        removed = sum([await rows.remove(database, user_id) for rows in declared])
        total += removed
    return total
