"""Attacks on accounts: guessing which names exist, secrets in logs, forged addresses, stolen links."""

import asyncio
import io
import logging
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from app.accounts.repository import AccountRepository
from app.composition import Resources
from tests.accounts.fixtures import PASSWORD, Mailbox, log_in
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn

NEW, WRONG = "another long password", "an utterly wrong password"

Ask = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def guess(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await log_in(client, email, WRONG)


async def forget(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/v1/auth/password/forgot", json={"email": email})


async def resend(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await client.post("/v1/auth/verify-email/resend", json={"email": email})


@pytest.mark.parametrize("ask", [guess, forget, resend])
async def test_known_and_unknown_addresses_cost_the_same_statements(
    ann: SignedIn, resources: Resources, ask: Ask
) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = resources.database.engine.sync_engine
    seen = []
    for email in (ann.email, "nobody@example.com"):
        event.listen(engine, "before_cursor_execute", note)
        await ask(ann.client, email)
        event.remove(engine, "before_cursor_execute", note)
        seen.append(list(statements))
        statements.clear()
    assert seen[0]
    assert seen[0] == seen[1]


async def test_known_and_unknown_addresses_take_about_the_same_time(
    costly_passwords: None, ann: SignedIn, resources: Resources
) -> None:
    async def seconds(email: str) -> float:
        await resources.redis.flushdb()
        async with resources.database.unit_of_work() as work:
            await work.session.execute(text("TRUNCATE login_attempts"))
        # CPU seconds of this process, including the hashing thread: other processes do not affect them.
        started = time.process_time()
        assert (await guess(ann.client, email)).status_code == 401
        return time.process_time() - started

    pairs = [(await seconds(ann.email), await seconds("nobody@example.com")) for _ in range(9)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    # Without the hash for unknown addresses, their responses would be ten times as fast.
    assert 1 / 3 < known / unknown < 3


@pytest.fixture
def log(application: FastAPI) -> Iterator[io.StringIO]:
    """Capture the service's own log handler, at the lowest level."""
    root, stream = logging.getLogger(), io.StringIO()
    (formatter,) = (h.formatter for h in root.handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


async def test_no_secret_reaches_a_log(
    client: httpx.AsyncClient,
    resources: Resources,
    mailbox: Mailbox,
    run_queue: RunQueue,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = {"email": "ann@example.com", "password": PASSWORD, "name": "Ann"}
    await client.post("/v1/users", json=new)
    await client.post("/v1/users", json=new)
    await client.post("/v1/users", json={**new, "email": "nobody"})
    await client.post("/v1/users", content=f'{{"password": "{PASSWORD}"')
    await log_in(client, "ann@example.com", WRONG)
    pair = (await log_in(client, "ann@example.com")).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    await client.get("/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}x"})
    change = {"current_password": PASSWORD, "new_password": NEW}
    await client.post("/v1/auth/password", json={**change, "current_password": WRONG}, headers=headers)
    await client.post("/v1/auth/password", json=change, headers=headers)
    new_pair = (await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})).json()
    await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    await forget(client, "ann@example.com")
    await run_queue()
    await client.post("/v1/auth/password/reset", json={"token": mailbox.token(), "password": "a third password"})

    async def fail(_self: AccountRepository, email: str) -> None:
        raise RuntimeError(f"no {len(email)}")

    # An unexpected error writes a traceback.
    monkeypatch.setattr(AccountRepository, "credentials", fail)
    assert (await log_in(client, "ann@example.com", "a third password")).status_code == 500

    logged = log.getvalue()
    assert "request failed" in logged
    assert "login refused" in logged
    mailed = [mailbox.token(), mailbox.token("verify-email")]
    for secret in (PASSWORD, WRONG, NEW, "a third password", "$argon2", *pair.values(), *new_pair.values(), *mailed):
        if secret not in ("bearer", 900):
            assert str(secret) not in logged, secret


async def test_an_error_of_the_database_tells_no_value(resources: Resources) -> None:
    async with resources.database.engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("SELECT 1 / 0 WHERE CAST(:value AS text) <> ''"), {"value": PASSWORD})
    assert "1 / 0" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "CF-Connecting-IP"])
async def test_a_forged_address_is_no_way_around_a_limit_and_stands_nowhere(
    client: httpx.AsyncClient, sign_in: SignIn, name: str
) -> None:
    client.headers[name] = "203.0.113.9"
    ann = await sign_in()
    assert (await ann.get("/v1/auth/sessions")).json()["items"][0]["address"] == "127.0.0.1"
    answers = []
    for number in range(70):
        headers = {name: f"198.51.100.{number}"}
        answers.append(await client.post("/v1/auth/login", data={"username": "x"}, headers=headers))
    assert [answer.status_code for answer in answers].count(429) >= 10


async def test_a_mailed_link_leads_to_this_service_whatever_host_a_request_names(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    headers = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "Origin": "https://evil.example.com"}
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email}, headers=headers)
    await run_queue()
    assert not any("evil" in mail.text + mail.html for mail in mailbox.mails)
    assert mailbox.token()


async def test_a_name_is_text_in_every_mail(client: httpx.AsyncClient, mailbox: Mailbox, run_queue: RunQueue) -> None:
    name = "<b>Ann</b> %(email)s {{7*191}} <a href=x>"
    await client.post("/v1/users", json={"email": "ann@example.com", "password": PASSWORD, "name": name})
    await run_queue()
    assert "Ann" not in mailbox.mails[-1].subject + mailbox.mails[-1].text
    await client.post("/v1/auth/verify-email", json={"token": mailbox.token("verify-email")})
    await forget(client, "ann@example.com")
    await run_queue()
    mail = mailbox.mails[-1]
    assert "Ann" not in mail.subject
    assert "<b>" not in mail.html
    assert "<a href=x>" not in mail.html
    assert "&lt;b&gt;Ann&lt;/b&gt; %(email)s {{7*191}}" in mail.html


async def test_a_link_used_twice_at_once_is_used_once(
    client: httpx.AsyncClient, ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await forget(client, ann.email)
    await run_queue()
    bodies = [{"token": mailbox.token(), "password": f"a new password {number}"} for number in range(4)]
    answers = await asyncio.gather(*(client.post("/v1/auth/password/reset", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]
