"""Bodies of the product routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.kit.money import MAX_MINOR, currencies
from app.kit.text import ONE_LINE


def _known_currency(code: str) -> str:
    if code not in currencies():
        raise ValueError("not an ISO 4217 code")
    return code


ProductName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Currency = Annotated[str, AfterValidator(_known_currency), Field(pattern="^[A-Z]{3}$", examples=["SGD"])]


class ProductCreate(BaseModel):
    """A new product. The price is in minor units: 1250 with SGD is 12.50 dollars."""

    name: ProductName
    price_minor: Annotated[int, Field(ge=0, le=MAX_MINOR, examples=[1250])]
    currency: Currency


class ProductRead(BaseModel):
    """A product."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    price_minor: int
    currency: str
    created_at: datetime
