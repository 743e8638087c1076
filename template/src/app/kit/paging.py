"""Keyset paging: a page starts after an id, so a list stays fast and steady however long it is."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

MAXIMUM = 100

Item = TypeVar("Item")
Row = TypeVar("Row")

PageSize = Annotated[int, Query(ge=1, le=MAXIMUM, description="Items on the page")]
Cursor = Annotated[UUID | None, Query(description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """One page, newest first. `next_cursor` is null on the last one."""

    items: list[Item]
    next_cursor: UUID | None


def split(rows: Sequence[Row], size: int) -> tuple[Sequence[Row], Row | None]:
    """The rows of a page out of at most `size` + 1 read, and the row that the next page starts after."""
    return rows[:size], rows[size - 1] if len(rows) > size else None
