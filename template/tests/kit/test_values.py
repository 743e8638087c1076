"""Small values: identifiers, money, pages."""

import re
import time

import pytest

from app.kit import money
from app.kit.currencies import MINOR_UNITS
from app.kit.ids import new_id
from app.kit.money import MAX_MINOR, currencies, format_minor
from app.kit.paging import split
from app.kit.text import LINES, ONE_LINE


def test_ids_are_version_7_and_sort_by_time() -> None:
    made = [new_id() for _ in range(2_000)]  # many within each millisecond
    first = made[0]
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert abs((first.int >> 80) / 1000 - time.time()) < 5


@pytest.mark.parametrize(
    ("amount", "currency", "language", "expected"),
    [(1250, "SGD", "en", "SGD12.50"), (1250, "USD", "en", "$12.50"), (1250, "JPY", "en", "¥1,250")],
)
def test_money_is_written_as_people_write_it(amount: int, currency: str, language: str, expected: str) -> None:
    assert format_minor(amount, currency, language).replace("\xa0", "") == expected


def test_one_line_holds_no_line_end_and_several_hold_no_control_character() -> None:
    assert re.fullmatch(ONE_LINE, "Tea, 茶")
    assert not re.fullmatch(ONE_LINE, "Tea\ncake")
    assert re.fullmatch(LINES, "Tea\r\n\tcake\n")
    assert not any(re.fullmatch(LINES, f"Tea{character}") for character in "\x00\x08\x1b\x7f\x9b")


def test_rupiah_and_dong_show_no_decimals() -> None:
    assert "," not in format_minor(1_200_000, "VND", "vi")
    assert "1.200.000" in format_minor(1_200_000, "VND", "vi")


@pytest.mark.parametrize("currency", ["SGD", "IDR", "VND", "THB", "MYR", "PHP", "USD", "JPY", "KWD"])
@pytest.mark.parametrize("language", ["en", "id", "ms", "th", "vi", "fil", "zh", "de", "hi", "ar"])
def test_quick_money_is_written_as_babel_writes_it(currency: str, language: str) -> None:
    for amount in (0, 5, 49, 50, 150, 250, 99_999, 1_000_000, 123_456_789, MAX_MINOR):
        assert format_minor(amount, currency, language) == money._by_babel(amount, currency, language)


def test_nobody_writes_sen() -> None:
    assert format_minor(1_200_000, "IDR", "id").replace("\xa0", "") == "Rp12.000"


def test_a_negative_amount_keeps_its_sign() -> None:
    assert format_minor(-1250, "USD", "en") == "-$12.50"


def test_currencies_are_those_of_iso_4217() -> None:
    assert {"SGD", "IDR", "VND", "THB", "MYR", "PHP"} <= currencies()
    assert len(currencies()) > 160
    assert not currencies() & {"XYZ", "XXX", "XAU"}


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [("IDR", 2), ("HUF", 2), ("COP", 2), ("VND", 0), ("JPY", 0), ("KWD", 3), ("CLF", 4)],
)
def test_a_minor_unit_is_what_iso_4217_says(currency: str, exponent: int) -> None:
    assert MINOR_UNITS[currency] == exponent


def test_no_release_of_babel_changes_what_a_stored_amount_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Babel 2.19 gives rupiah, forint and Colombian pesos no decimals; 2.18 gave them two."""
    money._shape.cache_clear()
    before = {currency: format_minor(123_400, currency, "en") for currency in currencies()}
    for digits in (0, 2, 3):
        monkeypatch.setattr("babel.numbers.get_currency_precision", lambda _code, digits=digits: digits)
        money._shape.cache_clear()
        assert {currency: format_minor(123_400, currency, "en") for currency in currencies()} == before
    money._shape.cache_clear()
    assert "1,234.00" in before["HUF"]
    assert "1,234.00" in before["COP"]


def test_a_page_knows_whether_another_follows() -> None:
    assert split([1, 2, 3], 2) == ([1, 2], 2)
    assert split([1, 2], 2) == ([1, 2], None)
    assert split([], 2) == ([], None)
