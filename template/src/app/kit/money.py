"""Money: integer minor units with an ISO 4217 code, never a float."""

from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale

from app.kit.currencies import MINOR_UNITS

# Larger integers lose digits in JavaScript clients.
MAX_MINOR = 2**53 - 1
# Currencies whose minor units are not written in amounts.
_SHOWN_DIGITS = {"IDR": 0}
_CURRENCIES = frozenset(MINOR_UNITS)
# A shape replaces Babel only if it formats these amounts as Babel does.
_SAMPLES = (0, 7, 1_234, 123_456_789, 9_876_543_210_123)


def currencies() -> frozenset[str]:
    """All codes of ISO 4217 that have a minor unit."""
    return _CURRENCIES


def format_minor(amount: int, currency: str, language: str) -> str:
    """An amount in minor units as people of a language write it, such as `$12.34` or `Rp12.000`."""
    shape = _shape(currency, language) if amount >= 0 else None
    return shape.write(amount) if shape else _by_babel(amount, currency, language)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The text around the digits. Babel computes it for every number, which is slow for a list of a hundred."""

    before: str
    group: str
    point: str
    after: str
    # Powers of ten: the number of minor units in the smallest unit shown, and in a whole unit.
    rounding: int
    whole: int

    def write(self, amount: int) -> str:
        units, half = divmod(amount, self.rounding)
        # Half to even, as Babel rounds.
        units += 2 * half > self.rounding or (2 * half == self.rounding and units % 2)
        whole, fraction = divmod(units, self.whole)
        digits = f"{whole:,}".replace(",", self.group)
        shown = f"{self.point}{str(self.whole + fraction)[1:]}" if self.whole > 1 else ""
        return f"{self.before}{digits}{shown}{self.after}"


# Holds one entry for each currency and language: callers validate both first.
@cache
def _shape(currency: str, language: str) -> _Shape | None:
    exponent, shown = _digits(currency)
    sample = _by_babel(1_234_567 * 10**exponent, currency, language)
    before, found, rest = sample.partition("1")
    group, found_too, rest = rest.partition("234")
    _, _, rest = rest.partition("567")
    point, _, after = rest.partition("0" * shown) if shown else ("", "", rest)
    if not found or not found_too:
        return None  # digits that are not Latin
    shape = _Shape(before, group, point, after, 10 ** (exponent - shown), 10**shown)
    same = all(shape.write(amount) == _by_babel(amount, currency, language) for amount in _SAMPLES)
    return shape if same else None  # digits that are not grouped by threes


def _by_babel(amount: int, currency: str, language: str) -> str:
    exponent, shown = _digits(currency)
    locale = Locale.parse(language)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (shown, shown)
    text: str = pattern.apply(Decimal(amount).scaleb(-exponent), locale, currency=currency, currency_digits=False)
    return text


def _digits(currency: str) -> tuple[int, int]:
    exponent = MINOR_UNITS[currency]
    return exponent, _SHOWN_DIGITS.get(currency, exponent)
