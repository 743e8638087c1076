"""The user's own record, and the mails that follow it."""

from datetime import UTC, datetime

import httpx
import pytest

from app.accounts.addresses import as_stored, deliverable
from app.kit.times import format_time
from app.settings import Settings
from tests.accounts.fixtures import PASSWORD, Mailbox, log_in
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn


async def test_name_language_and_time_zone_are_changed_one_by_one(ann: SignedIn, settings: Settings) -> None:
    language = settings.language_codes[-1]
    changes: list[dict[str, str | None]] = [
        {"name": "Ann Lee"},
        {"time_zone": "Asia/Jakarta"},
        {"language": language},
        {"language": None, "time_zone": None},
    ]
    answers = [(await ann.patch("/v1/users/me", change)).json() for change in changes]
    shown = [(me["name"], me["time_zone"], me["language"]) for me in answers]
    assert shown == [
        ("Ann Lee", None, "en"),
        ("Ann Lee", "Asia/Jakarta", "en"),
        ("Ann Lee", "Asia/Jakarta", language),
        ("Ann Lee", None, None),
    ]
    assert (await ann.get("/v1/users/me")).json() == answers[-1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", "a\nb"),
        ("name", 1),
        ("language", "xx"),
        ("language", "en; DROP TABLE users"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", 8),
        ("roles", ["admin"]),
        ("email", "eve@example.com"),
        ("email_verified", True),
    ],
)
async def test_a_wrong_change_is_refused(ann: SignedIn, field: str, value: object) -> None:
    before = (await ann.get("/v1/users/me")).json()
    answer = await ann.patch("/v1/users/me", {field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/body/{field}"
    assert (await ann.get("/v1/users/me")).json() == before


async def test_a_language_speaks_in_open_sessions_at_once(ann: SignedIn, settings: Settings) -> None:
    for language in settings.language_codes:
        await ann.patch("/v1/users/me", {"language": language})
        answer = await ann.get("/v1/tasks/018f0000-0000-7000-8000-000000000000")
        assert answer.headers["content-language"] == language


async def test_mails_are_in_the_users_language_and_time_zone(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue, settings: Settings
) -> None:
    await run_queue()
    subjects = set()
    for language in settings.language_codes[:3]:
        await ann.patch("/v1/users/me", {"language": language, "time_zone": "Asia/Jakarta"})
        await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email}, headers={"Accept-Language": "en"})
        await run_queue()
        assert f'<html lang="{language}">' in mailbox.mails[-1].html
        zone = format_time(datetime.now(UTC), language, "Asia/Jakarta").rpartition("(")[2]
        assert zone in mailbox.mails[-1].text
        subjects.add(mailbox.mails[-1].subject)
    assert len(subjects) == min(3, len(settings.language_codes))


async def test_an_address_is_stored_in_ascii_and_found_in_any_form(client: httpx.AsyncClient) -> None:
    new = {"email": "Ann@Bücher.example.com", "password": PASSWORD, "name": "Ann"}
    assert (await client.post("/v1/users", json=new)).json()["email"] == "ann@xn--bcher-kva.example.com"
    assert (await log_in(client, "ann@bücher.example.com")).status_code == 200
    assert (await log_in(client, "ANN@XN--BCHER-KVA.example.com")).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "ännchen@example.com",
        "Ann <ann@example.com>",
        "ann@example.com, eve@example.com",
        "ann@localhost",
        "ann@[127.0.0.1]",
        "ann@example.com\nBcc: eve@example.com",
        "a" * 65 + "@example.com",
        '"ann smith"@example.com',
    ],
)
async def test_an_address_that_cannot_be_delivered_is_refused(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.post("/v1/users", json={"email": address, "password": PASSWORD, "name": "Ann"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/email"
    with pytest.raises(ValueError, match=r"."):
        deliverable(address)
    assert as_stored(address) == address.strip().lower()


async def test_registration_gives_no_role(sign_in: SignIn, client: httpx.AsyncClient) -> None:
    new = {"email": "eve@example.com", "password": PASSWORD, "name": "Eve", "roles": ["admin"], "disabled": False}
    assert (await client.post("/v1/users", json=new)).json()["roles"] == []
