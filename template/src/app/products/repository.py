"""Queries over products. Those of hot paths are built once, and read columns instead of objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.database import Database
from app.kit.paging import Position
from app.products.models import Product
from app.products.schemas import ProductRead, ProductSort

_products = Product.__table__
# The fields of the answer, so a field that is added to the schema is read.
_COLUMNS = [_products.c[name] for name in ProductRead.model_fields]
_ONE = select(*_COLUMNS).where(_products.c.id == bindparam("id"), _products.c.owner_id == bindparam("owner_id"))


@dataclass(frozen=True, slots=True)
class ProductQuery:
    """The products to list: the order, an optional currency, and the end of the previous page."""

    sort: ProductSort
    currency: str | None
    after: Position | None


# Holds one entry for each sort order, with and without a currency and a position.
@cache
def _page(sort: ProductSort, *, by_currency: bool, after: bool) -> Select[Any]:
    keys = [_products.c.name, _products.c.id] if "name" in sort else [_products.c.id]
    descending = sort.startswith("-")
    query = select(*_COLUMNS).where(_products.c.owner_id == bindparam("owner_id")).limit(bindparam("limit"))
    if by_currency:
        query = query.where(_products.c.currency == bindparam("currency"))
    if after:
        row, last = tuple_(*keys), tuple_(*(bindparam(f"after_{key.name}", type_=key.type) for key in keys))
        query = query.where(row < last if descending else row > last)
    return query.order_by(*(key.desc() if descending else key.asc() for key in keys))


class ProductRepository:
    """Queries over products. Changes use the session of a unit of work; reads use the database directly."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_all(self, owner_id: UUID, products: Sequence[dict[str, object]]) -> None:
        """Write products of one owner with one statement."""
        await self._session.execute(insert(Product), [{"owner_id": owner_id, **product} for product in products])

    async def lock(self, owner_id: UUID, product_id: UUID) -> Product | None:
        """Return a product of an owner, locked until the unit of work ends."""
        query = select(Product).where(Product.id == product_id, Product.owner_id == owner_id)
        return (await self._session.execute(query.with_for_update())).scalar_one_or_none()

    @staticmethod
    async def get(database: Database, owner_id: UUID, product_id: UUID) -> dict[str, Any] | None:
        """The columns of a product of an owner."""
        return next(iter(await database.read(_ONE, {"id": product_id, "owner_id": owner_id})), None)

    @staticmethod
    async def page(database: Database, owner_id: UUID, wanted: ProductQuery, limit: int) -> list[dict[str, Any]]:
        """Return the columns of the products of an owner that match a query."""
        query = _page(wanted.sort, by_currency=wanted.currency is not None, after=wanted.after is not None)
        values = {"owner_id": owner_id, "limit": limit, "currency": wanted.currency}
        if wanted.after:
            values |= {"after_id": wanted.after.id, "after_name": wanted.after.value}
        return await database.read(query, values)
