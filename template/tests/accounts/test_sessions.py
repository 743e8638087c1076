"""Sessions: refresh, listing, revocation, and behaviour after Redis has lost its data."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from app.accounts.models import LoginSession, RefreshToken
from app.accounts.problems import RefreshRefused
from app.accounts.service import RACE, AccountService, Device
from app.composition import Resources
from app.kit.database import Database
from tests.accounts.fixtures import PASSWORD
from tests.identity import SignedIn, SignIn


async def tokens(client: httpx.AsyncClient) -> dict[str, str]:
    answer = await client.post("/v1/auth/login", data={"username": "ann@example.com", "password": PASSWORD})
    pair: dict[str, str] = answer.json()
    return pair


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})


async def test_a_revoked_session_is_refused_at_once(ann: SignedIn) -> None:
    assert (await ann.get("/v1/users/me")).status_code == 200
    assert (await ann.post("/v1/auth/logout")).status_code == 204
    answer = await ann.get("/v1/users/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:problem:unauthorized"


async def test_a_revoked_session_stays_refused_without_its_mark_in_redis(ann: SignedIn, resources: Resources) -> None:
    await ann.post("/v1/auth/logout")
    await resources.redis.flushdb()
    assert (await ann.get("/v1/users/me")).status_code == 401


async def test_a_session_lives_on_when_redis_forgets_it(ann: SignedIn, resources: Resources) -> None:
    await resources.redis.flushdb()
    assert (await ann.get("/v1/users/me")).status_code == 200


async def test_redis_holds_no_session_id_and_no_token(ann: SignedIn, resources: Resources) -> None:
    sessions = (await ann.get("/v1/auth/sessions")).json()["items"]
    keys = [key.decode() async for key in resources.redis.scan_iter()]
    assert any(key.startswith("session:") for key in keys)
    assert not any(sessions[0]["id"] in key or ann.token in key for key in keys)


async def let_pass(resources: Resources, time: timedelta) -> None:
    """Make it seem that refresh tokens were used, and sessions too, longer ago."""
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(RefreshToken).values(used_at=RefreshToken.used_at - time))
        await work.session.execute(update(LoginSession).values(last_used_at=LoginSession.last_used_at - time))


async def test_a_refresh_token_gives_a_new_pair(client: httpx.AsyncClient, ann: SignedIn) -> None:
    old = await tokens(client)
    new = (await refresh(client, old["refresh_token"])).json()
    assert new["refresh_token"] != old["refresh_token"]
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {new['access_token']}"})
    assert answer.status_code == 200


async def test_a_used_refresh_token_ends_the_session(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    stolen = await tokens(client)
    owner = (await refresh(client, stolen["refresh_token"])).json()
    await let_pass(resources, RACE)
    assert (await refresh(client, stolen["refresh_token"])).status_code == 401
    assert (await refresh(client, owner["refresh_token"])).status_code == 401
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {owner['access_token']}"})
    assert answer.status_code == 401
    assert (await ann.get("/v1/users/me")).status_code == 200


@pytest.mark.parametrize("token", ["", "nothing", "\x00"])
async def test_an_unknown_refresh_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await refresh(client, token)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:problem:refresh-refused"


async def test_sessions_are_listed_and_one_is_ended(client: httpx.AsyncClient, ann: SignedIn) -> None:
    other = await tokens(client)
    listed = (await ann.get("/v1/auth/sessions")).json()["items"]
    assert [item["current"] for item in listed].count(True) == 1
    assert len(listed) == 2
    ended = next(item["id"] for item in listed if not item["current"])
    assert (await ann.delete(f"/v1/auth/sessions/{ended}")).status_code == 204
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {other['access_token']}"})
    assert answer.status_code == 401
    assert len((await ann.get("/v1/auth/sessions")).json()["items"]) == 1


async def test_nobody_ends_another_users_session(sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    session = (await ann.get("/v1/auth/sessions")).json()["items"][0]["id"]
    assert (await bob.delete(f"/v1/auth/sessions/{session}")).status_code == 404
    assert (await ann.get("/v1/users/me")).status_code == 200


async def test_a_reuse_is_seen_with_one_connection_left(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    pair = await tokens(client)
    await refresh(client, pair["refresh_token"])
    await let_pass(resources, RACE)
    accounts = resources.authenticator
    assert isinstance(accounts, AccountService)
    database = Database(resources.settings.model_copy(update={"database_pool_size": 1}))
    last = replace(accounts, database=database)
    with pytest.raises(RefreshRefused):
        async with database.unit_of_work() as work, asyncio.timeout(3):
            await last.refresh(work, pair["refresh_token"], Device("", ""))
    await database.close()
    answer = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert answer.status_code == 401


async def test_of_two_exchanges_at_once_one_wins_and_the_session_lives(
    client: httpx.AsyncClient, ann: SignedIn, resources: Resources
) -> None:
    token = (await tokens(client))["refresh_token"]
    answers = sorted(await asyncio.gather(*(refresh(client, token) for _ in range(5))), key=lambda a: a.status_code)
    assert [answer.status_code for answer in answers] == [200, 409, 409, 409, 409]
    assert answers[1].json()["type"] == "urn:problem:refresh-raced"
    won = answers[0].json()
    headers = {"Authorization": f"Bearer {won['access_token']}"}
    assert (await client.get("/v1/users/me", headers=headers)).status_code == 200
    await let_pass(resources, RACE)
    assert (await refresh(client, token)).status_code == 401
    assert (await client.get("/v1/users/me", headers=headers)).status_code == 401
    assert (await refresh(client, won["refresh_token"])).status_code == 401


async def test_logout_everywhere_ends_all_of_a_users_sessions_and_nobody_elses(sign_in: SignIn) -> None:
    first, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    second = await sign_in("ann@example.com")
    for session in (first, second, bob):
        await session.get("/v1/users/me")
    assert (await second.delete("/v1/auth/sessions")).status_code == 204
    statuses = [(await session.get("/v1/users/me")).status_code for session in (first, second, bob)]
    assert statuses == [401, 401, 200]


async def test_a_session_shows_device_address_and_last_use(client: httpx.AsyncClient, register: SignIn) -> None:
    client.headers["User-Agent"] = "Shop/1.0 (Ann's phone)" + "x" * 500
    ann = await register()
    session = (await ann.get("/v1/auth/sessions")).json()["items"][0]
    assert session["user_agent"].startswith("Shop/1.0 (Ann's phone)")
    assert len(session["user_agent"]) == 300
    assert session["address"] == "127.0.0.1"
    assert session["last_used_at"] == session["created_at"]


async def test_the_last_use_is_noted_when_the_fast_copy_is_made_anew(ann: SignedIn, resources: Resources) -> None:
    await ann.get("/v1/users/me")
    await let_pass(resources, timedelta(minutes=6))
    before = (await ann.get("/v1/auth/sessions")).json()["items"][0]["last_used_at"]
    await resources.redis.flushdb()
    after = (await ann.get("/v1/auth/sessions")).json()["items"][0]["last_used_at"]
    assert datetime.fromisoformat(after) - datetime.fromisoformat(before) >= timedelta(minutes=6)
    await resources.redis.flushdb()
    assert (await ann.get("/v1/auth/sessions")).json()["items"][0]["last_used_at"] == after
