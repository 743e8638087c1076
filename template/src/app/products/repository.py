"""Queries over products."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.products.models import Product
from app.products.schemas import ProductCreate


class ProductRepository:
    """Products of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, product: Product) -> None:
        """Write a product and read back what the database filled in."""
        self._session.add(product)
        await self._session.flush()

    async def add_all(self, owner_id: UUID, products: Sequence[ProductCreate]) -> None:
        """Write many products of one owner with one statement a thousand."""
        rows = [{"owner_id": owner_id, **product.model_dump()} for product in products]
        for start in range(0, len(rows), 1_000):
            await self._session.execute(insert(Product), rows[start : start + 1_000])

    async def get(self, owner_id: UUID, product_id: UUID) -> Product | None:
        """A product of an owner."""
        query = select(Product).where(Product.id == product_id, Product.owner_id == owner_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def page(self, owner_id: UUID, after: UUID | None, limit: int) -> Sequence[Product]:
        """An owner's products, newest first, older than `after`."""
        query = select(Product).where(Product.owner_id == owner_id).order_by(Product.id.desc()).limit(limit)
        if after is not None:
            query = query.where(Product.id < after)
        return (await self._session.execute(query)).scalars().all()
