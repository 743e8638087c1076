"""Cursors: a caller repeats them, and cannot make others."""

import base64
from uuid import UUID

import pytest

from app.kit.paging import Position, position
from app.kit.problems import Invalid

LAST = Position(sort="name", value="Tea ☕", id=UUID(int=7))


def test_a_cursor_names_a_position() -> None:
    assert position(LAST.cursor(), "name") == LAST
    assert position(None, "name") is None


def made(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "====",
        made("{}"),
        made('{"sort":"name","value":"a\\u0000","id":"00000000-0000-0000-0000-000000000007"}'),
        made('{"sort":"name","value":"\\ud800","id":"00000000-0000-0000-0000-000000000007"}'),
        made('{"sort":"-name","value":"a","id":"00000000-0000-0000-0000-000000000007"}'),
    ],
)
def test_any_other_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as raised:
        position(cursor, "name")
    assert [fault.pointer for fault in raised.value.faults] == ["/query/cursor"]
