"""Metrics of logins: each moves by what it counts."""

import httpx
import pytest

from tests.accounts.fixtures import PASSWORD, log_in
from tests.identity import SignedIn
from tests.metrics import moved

RESULTS = [f"logins_{result}_total" for result in ("succeeded", "failed", "locked")]


@pytest.mark.parametrize(
    ("email", "password", "moves"),
    [
        ("ann@example.com", PASSWORD, [1, 0, 0]),
        ("ann@example.com", "wrong password", [0, 1, 0]),
        ("nobody@example.com", PASSWORD, [0, 1, 0]),
    ],
)
async def test_a_login_counts_by_its_result(
    client: httpx.AsyncClient, ann: SignedIn, email: str, password: str, moves: list[int]
) -> None:
    with moved(*RESULTS) as seen:
        await log_in(client, email, password)
    assert [seen[result] for result in RESULTS] == moves


async def test_a_login_that_has_to_wait_counts_as_failed_and_locked(client: httpx.AsyncClient, ann: SignedIn) -> None:
    for _ in range(5):
        await log_in(client, ann.email, "wrong password")
    with moved(*RESULTS) as seen:
        assert (await log_in(client, ann.email)).status_code == 429
    assert [seen[result] for result in RESULTS] == [0, 1, 1]
