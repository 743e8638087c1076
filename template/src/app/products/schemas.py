"""Bodies of the product routes."""

from datetime import datetime
from typing import Annotated, Any, Literal
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
# Strict: refuses `true` and `"1250"`.
PriceMinor = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR, examples=[1250])]
Currency = Annotated[str, AfterValidator(_known_currency), Field(pattern="^[A-Z]{3}$", examples=["SGD"])]
# `created_at` sorts by id, because ids increase with time.
ProductSort = Literal["-created_at", "created_at", "name", "-name"]


class ProductCreate(BaseModel):
    """A new product. The price is in minor units: 1250 with SGD is 12.50 dollars.

    Its fields are the columns of an import, too.
    """

    name: ProductName
    price_minor: PriceMinor
    currency: Currency | None = Field(default=None, description="CURRENCY of the service where absent")

    def values(self, currency: str) -> dict[str, Any]:
        """Return the columns to write, with `currency` as the default."""
        return {**self.model_dump(), "currency": self.currency or currency}


class ProductChange(BaseModel):
    """New values for some fields of a product; absent fields do not change."""

    # The defaults are never read, because only fields that were sent are written. Null is refused.
    name: ProductName = Field(default_factory=str)
    price_minor: PriceMinor = Field(default_factory=int)
    currency: Currency = Field(default_factory=str)


class ProductRead(BaseModel):
    """A product. `version` increases with every change."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    price_minor: int
    currency: str
    created_at: datetime
    version: int

    @computed_field(examples=["SGD12.50"])  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def price(self) -> str:
        """The price, formatted for the language of the response."""
        return format_minor(self.price_minor, self.currency, current_language())


class ImportPayload(BaseModel):
    """An import: the file, whose header is already checked, and the recipient of the result."""

    csv: str
    notify: str | None
