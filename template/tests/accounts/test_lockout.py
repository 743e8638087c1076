"""Waits after failed logins: they double, apply to any name, and never lock out the real user's device."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Self

import httpx
import pytest
from sqlalchemy import func, select, update

from app.accounts.login.lockout import CHECKED_WITHIN, FORGOTTEN_AFTER
from app.accounts.login.passwords import Check, Passwords, Turn
from app.accounts.models import LoginAttempts, LoginSession, MailedToken
from app.accounts.retention import remove_old
from app.accounts.schemas import TokenPair
from app.accounts.service import AccountService, Device, accounts_of, counter_of
from app.composition import Resources
from app.kit import redis as kit_redis
from app.kit.ratelimit import RateLimiter
from tests.accounts.fixtures import PASSWORD, Mailbox, events, log_in
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn

NOBODY = "nobody@example.com"


async def fail(client: httpx.AsyncClient, email: str, times: int) -> list[httpx.Response]:
    return [await log_in(client, email, "wrong password") for _ in range(times)]


async def let_pass(resources: Resources, time: timedelta) -> None:
    """Make it seem that the failures were longer ago."""
    values = {"last_at": LoginAttempts.last_at - time, "locked_until": LoginAttempts.locked_until - time}
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(LoginAttempts).values(values))


@pytest.mark.parametrize("email", ["ann@example.com", NOBODY])
async def test_five_failures_are_free_and_then_nobody_is_let_in(
    client: httpx.AsyncClient, ann: SignedIn, email: str
) -> None:
    answers = await fail(client, email, 6)
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].json()["type"] == "urn:problem:login-locked"
    assert 25 <= int(answers[-1].headers["retry-after"]) <= 30
    assert (await log_in(client, email)).status_code == 429


async def test_known_and_unknown_addresses_look_the_same_all_the_way(client: httpx.AsyncClient, ann: SignedIn) -> None:
    known, unknown = await fail(client, ann.email, 7), await fail(client, NOBODY, 7)
    for one, other in zip(known, unknown, strict=True):
        assert one.status_code == other.status_code
        assert {**one.json(), "request_id": "", "detail": ""} == {**other.json(), "request_id": "", "detail": ""}
        assert set(one.headers) == set(other.headers)
        assert abs(int(one.headers.get("retry-after", 0)) - int(other.headers.get("retry-after", 0))) <= 2


async def test_known_and_unknown_addresses_cost_the_same_hashes(
    client: httpx.AsyncClient, ann: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[bool] = []
    real = Turn.check

    async def counted(turn: Turn, password: str, password_hash: str | None) -> Check:
        checks.append(password_hash is not None)
        return await real(turn, password, password_hash)

    monkeypatch.setattr(Turn, "check", counted)
    await fail(client, ann.email, 7)
    await fail(client, NOBODY, 7)
    assert checks == [True] * 5 + [False] * 5


async def test_each_further_failure_doubles_the_wait_up_to_the_longest(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    await fail(client, ann.email, 5)
    waits = []
    for _ in range(7):
        waits.append(int((await log_in(client, ann.email, "x")).headers["retry-after"]))
        await let_pass(resources, timedelta(seconds=waits[-1]))
        assert (await log_in(client, ann.email, "wrong password")).status_code == 401
    assert waits == [30, 60, 120, 240, 480, 900, 900]


async def test_the_right_password_after_the_wait_clears_the_failures(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    await fail(client, ann.email, 5)
    await let_pass(resources, timedelta(seconds=31))
    assert (await log_in(client, ann.email)).status_code == 200
    assert [answer.status_code for answer in await fail(client, ann.email, 5)] == [401] * 5


async def test_failures_are_forgotten_after_a_day(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    await fail(client, ann.email, 4)
    await let_pass(resources, FORGOTTEN_AFTER + timedelta(minutes=1))
    assert [answer.status_code for answer in await fail(client, ann.email, 5)] == [401] * 5


async def test_one_name_written_differently_is_one_name(client: httpx.AsyncClient, ann: SignedIn) -> None:
    for email in ("Ann@example.com", "ANN@EXAMPLE.COM", " ann@example.com ", "ann@Example.com", "aNN@example.com"):
        await fail(client, email, 1)
    assert (await log_in(client, ann.email)).status_code == 429


async def test_guesses_at_once_are_counted_one_by_one(client: httpx.AsyncClient, ann: SignedIn) -> None:
    answers = await asyncio.gather(*(log_in(client, ann.email, "wrong password") for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_an_open_session_works_on_while_its_name_is_locked(client: httpx.AsyncClient, ann: SignedIn) -> None:
    await fail(client, ann.email, 6)
    assert (await ann.get("/v1/users/me")).status_code == 200
    body = {"current_password": PASSWORD, "new_password": "another long password"}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204


async def test_a_new_password_by_mail_ends_the_wait(
    client: httpx.AsyncClient, ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await fail(client, ann.email, 6)
    await client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    body = {"token": mailbox.token(), "password": "another long password"}
    assert (await client.post("/v1/auth/password/reset", json=body)).status_code == 204
    assert (await log_in(client, ann.email, "another long password")).status_code == 200


async def test_waits_hold_without_redis(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    before, resources.limiter = resources.limiter, RateLimiter(redis)
    try:
        assert [answer.status_code for answer in await fail(client, ann.email, 6)] == [401] * 5 + [429]
    finally:
        resources.limiter = before
        await redis.aclose()


async def test_the_table_tells_no_name(client: httpx.AsyncClient, resources: Resources) -> None:
    await fail(client, NOBODY, 1)
    async with resources.database.unit_of_work() as work:
        counted = (await work.session.execute(select(LoginAttempts))).scalar_one()
    assert NOBODY.encode() not in counted.digest
    assert counted.digest == accounts_of(resources).tokens.digest(f"login:{NOBODY}")


async def test_a_current_password_is_guessed_at_no_faster(ann: SignedIn, resources: Resources) -> None:
    body = {"current_password": "wrong password", "new_password": "another long password"}
    answers = [await ann.post("/v1/auth/password", body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert len(await events(resources, "login.failed")) == 5


def device(answer: httpx.Response) -> dict[str, str]:
    """Return a header with the cookie from a login. httpx, like browsers, would send the cookie only over TLS."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


async def test_a_name_at_the_login_counts_for_no_session_and_no_device(ann: SignedIn, accounts: AccountService) -> None:
    """Anyone who has seen a token knows the id of its session, and a username may be any line of text."""
    (session,) = (await ann.get("/v1/auth/sessions")).json()["items"]
    cookie = accounts.devices.new_cookie(ann.email)
    for name in (f"password in {session['id']}", f"device {cookie.partition('.')[0]} of {ann.email}"):
        assert (await fail(ann.client, name, 6))[-1].status_code == 429
    ann.client.cookies.set(accounts.devices.cookie_name, cookie)
    assert (await log_in(ann.client, ann.email)).status_code == 200
    body = {"current_password": PASSWORD, "new_password": "another long password"}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204
    for counter in (accounts.devices.counter(cookie, ann.email), counter_of(await accounts.authenticate(ann.token))):
        assert (await log_in(ann.client, counter)).status_code == 422


async def test_failures_of_strangers_lock_out_strangers_and_not_a_device_that_logged_in_before(
    client: httpx.AsyncClient, ann: SignedIn
) -> None:
    known = device(await log_in(client, ann.email))
    assert [answer.status_code for answer in await fail(client, ann.email, 6)] == [401] * 5 + [429]
    form = {"username": ann.email, "password": PASSWORD}
    assert (await client.post("/v1/auth/login", data=form, headers=known)).status_code == 200
    # The owner's login does not give strangers new attempts.
    assert (await log_in(client, ann.email)).status_code == 429


async def test_a_device_is_locked_by_its_own_failures(client: httpx.AsyncClient, ann: SignedIn) -> None:
    known = device(await log_in(client, ann.email))
    form = {"username": ann.email, "password": "wrong password"}
    answers = [await client.post("/v1/auth/login", data=form, headers=known) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert (await log_in(client, ann.email)).status_code == 200


async def test_a_device_is_known_under_its_name_alone_and_its_cookie_is_no_credential(
    client: httpx.AsyncClient, ann: SignedIn, sign_in: SignIn
) -> None:
    bob = await sign_in("bob@example.com")
    own, others = device(await log_in(client, ann.email)), device(await log_in(client, bob.email))
    name, _, value = own["Cookie"].partition("=")
    forged = {"Cookie": f"{name}={'0' * 32}.{value.partition('.')[2]}"}
    await fail(client, ann.email, 6)
    form = {"username": ann.email, "password": PASSWORD}
    for headers in (others, forged, {"Cookie": f"{name}="}, {"Cookie": f"{name}=x.y.z"}):
        assert (await client.post("/v1/auth/login", data=form, headers=headers)).status_code == 429
    assert (await client.get("/v1/users/me", headers=own)).status_code == 401


async def test_the_cookie_of_a_device_is_for_this_host_over_tls_alone_and_set_once(
    client: httpx.AsyncClient, ann: SignedIn
) -> None:
    answer = await log_in(client, ann.email)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-device-")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert ann.email not in cookie
    form = {"username": ann.email, "password": PASSWORD}
    again = await client.post("/v1/auth/login", data=form, headers=device(answer))
    assert "set-cookie" not in again.headers
    wrong = await log_in(client, ann.email, "wrong password")
    assert "set-cookie" not in wrong.headers


async def test_a_burst_of_right_passwords_over_several_pods_is_let_in(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    pods = [replace(accounts, passwords=Passwords()) for _ in range(6)]

    async def log_in_at(pod: AccountService) -> TokenPair:
        async with resources.database.unit_of_work() as work:
            return await pod.login(work, ann.email, PASSWORD, Device("", "127.0.0.1"))

    pairs = await asyncio.gather(*(log_in_at(pod) for pod in pods for _ in range(2)))
    assert len({pair.refresh_token for pair in pairs}) == 12


async def test_an_attempt_whose_pod_died_counts_as_failed(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    for _ in range(5):
        async with resources.database.unit_of_work() as work:
            assert await accounts.lockout.admit(work.session, ann.email)
    async with resources.database.unit_of_work() as work:
        assert not await accounts.lockout.admit(work.session, ann.email)
    await let_pass(resources, CHECKED_WITHIN + timedelta(seconds=1))
    assert (await log_in(client, ann.email)).status_code == 429


class LateClock(datetime):
    """The clock of a pod that is months ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return a time in the future."""
        return super().now(tz) + timedelta(days=100)


async def test_the_clock_of_a_pod_decides_no_wait_no_session_and_no_link(
    client: httpx.AsyncClient,
    ann: SignedIn,
    resources: Resources,
    mailbox: Mailbox,
    run_queue: RunQueue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await fail(client, ann.email, 5)
    modules = ("login.lockout", "recovery.mailed_tokens", "recovery.service", "sessions.store")
    for module in (*modules, "service", "repository", "retention"):
        monkeypatch.setattr(f"app.accounts.{module}.datetime", LateClock, raising=False)
    assert (await log_in(client, ann.email)).status_code == 429
    await remove_old(resources)
    assert (await log_in(client, ann.email)).status_code == 429
    await client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    async with resources.database.unit_of_work() as work:
        now = (await work.session.execute(select(func.now()))).scalar_one()
        links = (await work.session.execute(select(MailedToken.expires_at))).scalars().all()
        sessions = (await work.session.execute(select(LoginSession.expires_at))).scalars().all()
    assert all(end - now < timedelta(days=3) for end in links)
    assert all(timedelta(days=29) < end - now < timedelta(days=31) for end in sessions)
    body = {"token": mailbox.token(), "password": "another long password"}
    assert (await client.post("/v1/auth/password/reset", json=body)).status_code == 204
    assert (await log_in(client, ann.email, "another long password")).status_code == 200
