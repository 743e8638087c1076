"""Password hashes: two at a time regardless of the number of callers, and a bounded wait."""

import asyncio
import threading
import time

import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, update

from app.accounts.login import passwords
from app.accounts.login.passwords import Passwords, argon2id, normalised
from app.accounts.models import User
from app.accounts.service import AccountService
from app.composition import Resources
from app.kit.problems import Unavailable
from tests.accounts.fixtures import log_in
from tests.identity import SignedIn


class Gauge:
    """The number of hashes in progress, and its maximum."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = 0
        self.most = 0
        self.calls = 0

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.calls += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_exception: object) -> None:
        with self.lock:
            self.now -= 1


@pytest.fixture
def gauge(monkeypatch: pytest.MonkeyPatch) -> Gauge:
    """Count the checks of passwords."""
    gauge = Gauge()
    real = PasswordHash.verify

    def verify(hasher: PasswordHash, password: str, password_hash: str) -> bool:
        with gauge:
            return real(hasher, password, password_hash)

    monkeypatch.setattr(PasswordHash, "verify", verify)
    return gauge


def test_passwords_are_hashed_as_owasp_says() -> None:
    assert argon2id().hash("a long password").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_twenty_logins_at_once_hash_two_at_a_time(
    client: httpx.AsyncClient, costly_passwords: None, ann: SignedIn, gauge: Gauge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_WAIT", 60)  # a busy machine takes longer
    answers = await asyncio.gather(*(log_in(client, ann.email) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert (gauge.calls, gauge.most) == (20, 2)


async def test_beyond_the_wait_a_login_is_asked_to_come_back(
    client: httpx.AsyncClient, costly_passwords: None, ann: SignedIn, gauge: Gauge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_WAIT", 0.06)
    answers = await asyncio.gather(*(log_in(client, ann.email) for _ in range(20)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert len(refused) < 20
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert gauge.most <= 2
    assert (await log_in(client, ann.email)).status_code == 200


async def test_a_caller_who_gives_up_frees_no_third_place(resources: Resources, gauge: Gauge) -> None:
    hashes = Passwords()
    right = await hashes.hash("a long password")
    callers = [asyncio.create_task(hashes.check("a long password", right)) for _ in range(8)]
    await asyncio.sleep(0.01)
    for caller in callers[:4]:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert gauge.most <= 2


async def test_a_password_is_one_however_a_keyboard_writes_it(client: httpx.AsyncClient, ann: SignedIn) -> None:
    composed, decomposed = "\u00c5ngstr\u00f6m \ufb01rst", "A\u030angstro\u0308m first"
    new = {"email": "eve@example.com", "password": decomposed, "name": "Eve"}
    assert (await client.post("/v1/users", json=new)).status_code == 201
    for form in (composed, decomposed):
        assert (await log_in(client, "eve@example.com", form)).status_code == 200
    assert (await log_in(client, "eve@example.com", "Angstrom first")).status_code == 401


async def test_a_password_that_was_hashed_as_typed_still_lets_in_and_is_hashed_anew(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    typed = "A\u030angstro\u0308m as typed"
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(User).values(password_hash=hasher.hash(typed)))
    assert (await log_in(client, ann.email, typed)).status_code == 200
    async with resources.database.unit_of_work() as work:
        renewed = (await work.session.execute(select(User.password_hash))).scalar_one()
    assert hasher.verify(normalised(typed), renewed)
    assert (await log_in(client, ann.email, typed)).status_code == 200
    assert (await ann.get("/v1/users/me")).status_code == 200


async def test_no_turn_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = Passwords()
    monkeypatch.setattr(passwords, "_WAIT", 0.01)
    async with hashes.turn(), hashes.turn():
        with pytest.raises(Unavailable):
            await hashes.hash("a long password")
    started = time.monotonic()
    assert (await hashes.check("a long password", await hashes.hash("a long password"))).right
    assert not (await hashes.check("another password", None)).right
    assert time.monotonic() - started < 5
