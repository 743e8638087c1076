"""Money: integer minor units with an ISO 4217 code, never a float."""

from decimal import Decimal
from functools import cache

from babel.numbers import format_currency, get_currency_precision, list_currencies

# Larger integers lose digits in JavaScript clients.
MAX_MINOR = 2**53 - 1


@cache
def currencies() -> frozenset[str]:
    """All codes of ISO 4217."""
    return frozenset(list_currencies())


def format_minor(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as people of a language write it, such as `$12.34` or `Rp 12.000`."""
    precision = get_currency_precision(currency)
    return format_currency(Decimal(amount).scaleb(-precision), currency, locale=language)
