"""Small values: identifiers, money, pages."""

import time

import pytest

from app.kit import money
from app.kit.ids import new_id
from app.kit.money import MAX_MINOR, currencies, format_minor
from app.kit.paging import split


def test_ids_are_version_7_and_sort_by_time() -> None:
    made = [new_id() for _ in range(2_000)]  # many a millisecond
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
    assert "XYZ" not in currencies()


def test_a_page_knows_whether_another_follows() -> None:
    assert split([1, 2, 3], 2) == ([1, 2], 2)
    assert split([1, 2], 2) == ([1, 2], None)
    assert split([], 2) == ([], None)
