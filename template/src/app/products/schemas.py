"""Bodies of the product routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, computed_field

from app.kit.context import current_language
from app.kit.i18n import N_
from app.kit.money import MAX_MINOR, currencies, format_minor
from app.kit.text import ONE_LINE, without_encoded_words


def _known_currency(code: str) -> str:
    if code not in currencies():
        raise ValueError(N_("Must be an ISO 4217 code, such as USD"))
    return code


ProductName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE),
    AfterValidator(without_encoded_words),
]
Currency = Annotated[str, AfterValidator(_known_currency), Field(pattern="^[A-Z]{3}$", examples=["SGD"])]


class ProductCreate(BaseModel):
    """A new product. The price is in minor units: 1250 with SGD is 12.50 dollars."""

    name: ProductName
    # Strict: neither `true` nor `"1250"` is a number.
    price_minor: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR, examples=[1250])]
    currency: Currency | None = Field(default=None, description="CURRENCY of the service where absent")


class ProductRead(BaseModel):
    """A product."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    price_minor: int
    currency: str
    created_at: datetime

    @computed_field(examples=["SGD12.50"])  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def price(self) -> str:
        """The price as people of the answer's language write it."""
        return format_minor(self.price_minor, self.currency, current_language())
