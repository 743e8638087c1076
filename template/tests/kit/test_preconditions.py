"""Preconditions: which versions a header names."""

import pytest

from app.kit.context import request_context
from app.kit.preconditions import PreconditionFailed, check_version, etag


@pytest.mark.parametrize(
    "header", [None, "*", ' "3-en"', '"3"', '"3-zh"', '"2-en", "3-en"', '"2-en","3-en"', 'W/"3-en", "3-en"']
)
def test_a_header_that_names_the_version_is_met(header: str | None) -> None:
    check_version(header, 3)


@pytest.mark.parametrize("header", ["", "3", '"2-en"', '"33"', '"03"', 'W/"3-en"', '"3', '"x"', '"3-en', '"3\x00"'])
def test_any_other_header_is_refused(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        check_version(header, 3)


def test_a_tag_belongs_to_one_representation() -> None:
    tags = set()
    for language in ("en", "id"):
        with request_context("12345678", language):
            tags.add(etag(3))
            check_version(etag(3), 3)
    assert tags == {'"3-en"', '"3-id"'}
