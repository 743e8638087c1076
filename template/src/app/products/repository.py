"""Queries over products. Those of hot paths are made once, and read columns rather than objects."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.products.models import Product

_products = Product.__table__
_COLUMNS = [_products.c[name] for name in ("id", "name", "price_minor", "currency", "created_at")]
_ONE = select(*_COLUMNS).where(_products.c.id == bindparam("id"), _products.c.owner_id == bindparam("owner_id"))
_PAGE = (
    select(*_COLUMNS)
    .where(_products.c.owner_id == bindparam("owner_id"))
    .order_by(_products.c.id.desc())
    .limit(bindparam("limit"))
)
_PAGE_AFTER = _PAGE.where(_products.c.id < bindparam("after"))


class ProductRepository:
    """Products over a connection, or over the session of a unit of work."""

    def __init__(self, connection: AsyncConnection | AsyncSession) -> None:
        self._connection = connection

    async def add_all(self, owner_id: UUID, products: Sequence[dict[str, object]]) -> None:
        """Write products of one owner with one statement."""
        await self._connection.execute(insert(Product), [{"owner_id": owner_id, **product} for product in products])

    async def get(self, owner_id: UUID, product_id: UUID) -> Row[Any] | None:
        """A product of an owner."""
        return (await self._connection.execute(_ONE, {"id": product_id, "owner_id": owner_id})).one_or_none()

    async def page(self, owner_id: UUID, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
        """An owner's products, newest first, older than `after`."""
        query = _PAGE if after is None else _PAGE_AFTER
        values = {"owner_id": owner_id, "limit": limit, "after": after}
        return (await self._connection.execute(query, values)).all()
