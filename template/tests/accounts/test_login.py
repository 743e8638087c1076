"""Registration and login."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.composition import Resources
from app.kit.ratelimit import Limit, RateLimiter
from tests.accounts.fixtures import PASSWORD, log_in
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn
from tests.metrics import moved

RESULTS = [f"logins_{result}_total" for result in ("succeeded", "failed", "locked")]
ANN = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}


async def test_a_new_user_is_shown_without_the_password(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/users", json=ANN)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["email"], body["name"], body["roles"], body["email_verified"]) == (ANN["email"], "Ann", [], False)
    assert PASSWORD not in answer.text


async def test_an_address_registers_once_whatever_its_case(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users", json=ANN)
    again = await client.post("/v1/users", json={**ANN, "email": "Ann@Example.com"})
    assert again.status_code == 409
    assert again.json()["type"] == "urn:problem:email-taken"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "nobody"),
        ("password", "short"),
        ("password", "x" * 129),
        ("name", " "),
        ("name", "a\x00b"),
        ("name", "a\u2028b"),
    ],
)
async def test_a_wrong_field_is_named_and_not_repeated(client: httpx.AsyncClient, field: str, value: str) -> None:
    answer = await client.post("/v1/users", json={**ANN, field: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/body/{field}"]
    assert "input" not in answer.text


async def test_a_login_gives_a_pair_of_tokens(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users", json=ANN)
    answer = await log_in(client, "ANN@example.com", PASSWORD)
    body = answer.json()
    assert answer.status_code == 200
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 900
    assert body["access_token"] != body["refresh_token"]


async def test_a_wrong_password_and_an_unknown_address_look_the_same(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users", json=ANN)
    wrong = await log_in(client, ANN["email"], "wrong password")
    unknown = await log_in(client, "bob@example.com", PASSWORD)
    assert wrong.status_code == unknown.status_code == 401
    assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


@pytest.mark.parametrize("field", ["username", "password"])
async def test_a_character_that_is_none_is_refused(client: httpx.AsyncClient, field: str) -> None:
    parts = {"username": "ann@example.com", "password": PASSWORD, field: "\\ud800"}
    body = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in parts.items())
    headers = {"Content-Type": "multipart/form-data; boundary=x; charset=unicode_escape"}
    answer = await client.post("/v1/auth/login", content=f"{body}--x--\r\n", headers=headers)
    # OAuth2's form does not define this charset, and the route reads no other format.
    assert answer.status_code == 415


async def test_a_name_with_a_nul_is_refused(client: httpx.AsyncClient) -> None:
    assert (await log_in(client, "ann\0@example.com", PASSWORD)).status_code == 422


async def test_registration_sends_a_mail_through_the_worker(
    client: httpx.AsyncClient, run_queue: RunQueue, caplog: pytest.LogCaptureFixture
) -> None:
    await client.post("/v1/users", json=ANN)
    await run_queue()
    assert "Welcome" in caplog.text


async def test_me_is_the_signed_in_user(ann: SignedIn) -> None:
    answer = await ann.get("/v1/users/me")
    assert answer.json()["email"] == ann.email


async def test_a_role_shows_after_it_is_granted(sign_in: SignIn) -> None:
    admin = await sign_in("root@example.com", role="admin")
    assert (await admin.get("/v1/users/me")).json()["roles"] == ["admin"]


async def test_logins_are_limited_by_address(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/v1/auth/login", data={"username": "x"}) for _ in range(80)]
    # 60 at once, plus one for each second that the test takes.
    assert 60 <= [answer.status_code for answer in answers].count(422) < 80
    refused = next(answer for answer in answers if answer.status_code != 422)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["type"] == "urn:problem:too-many-requests"


async def test_a_login_with_json_is_told_what_to_send(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/auth/login", json={"username": "ann@example.com", "password": PASSWORD})
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["detail"]


async def test_a_login_over_its_limit_costs_no_parsing(
    client: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"%" * 1_024

    limit = Limit("password", 1, 3_600)
    monkeypatch.setattr(resources, "limiter", RateLimiter(resources.redis, {limit.name: limit}))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [await client.post("/v1/auth/login", content=endless(), headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [413, 429, 429]
    # Only the first body was read: up to 16 kB, and the chunk that exceeded it.
    assert taken == 17


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
