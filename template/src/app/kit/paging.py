"""Keyset paging: a page starts after an id, so that long lists stay fast and stable."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, StringConstraints, ValidationError

from app.kit.context import current_language
from app.kit.i18n import N_, translate
from app.kit.problems import FieldFault, Invalid
from app.kit.text import ONE_LINE

MAXIMUM = 100

Item = TypeVar("Item")
Row = TypeVar("Row")

PageSize = Annotated[int, Query(ge=1, le=MAXIMUM, description="Items on the page")]
Cursor = Annotated[UUID | None, Query(description="`next_cursor` of the page before")]
SortedCursor = Annotated[
    str | None, Query(max_length=2_000, description="`next_cursor` of the page before, with the same `sort`")
]


class Page(BaseModel, Generic[Item]):
    """One page, newest first. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: UUID | None


class SortedPage(BaseModel, Generic[Item]):
    """One page in the order that was asked for. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: str | None


class Position(BaseModel):
    """The last row of a page: its value in the column that sorts the list, and its id, which breaks ties.

    `value` is None where the id alone sorts.
    """

    sort: str
    value: Annotated[str, StringConstraints(pattern=ONE_LINE)] | None
    id: UUID

    def cursor(self) -> str:
        """The position as a cursor, which callers only repeat."""
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")


def position(cursor: str | None, sort: str) -> Position | None:
    """The position of a cursor. Raises Invalid for a cursor of another sort."""
    if cursor is None:
        return None
    try:
        found = Position.model_validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValidationError, binascii.Error, ValueError):
        found = None
    if found is None or found.sort != sort:
        detail = translate(N_("Must be the next_cursor of a page with the same sort"), current_language())
        raise Invalid([FieldFault(pointer="/query/cursor", detail=detail)])
    return found


def split(rows: Sequence[Row], size: int) -> tuple[Sequence[Row], Row | None]:
    """Return the rows of a page, and its last row if another page follows. At most `size` + 1 rows were read."""
    return rows[:size], rows[size - 1] if len(rows) > size else None
