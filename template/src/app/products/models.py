"""The table of products."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Integer, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.database import Model
from app.kit.ids import new_id


class Product(Model):
    """A product with a price in minor units of its currency. Its owner is a user of this or of another service."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price"),
        Index("ix_products_owner_id_id", "owner_id", "id"),
        Index("ix_products_owner_id_name_id", "owner_id", "name", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # Increases with every change: see app.kit.preconditions.
    version: Mapped[int] = mapped_column(Integer, server_default="1")
