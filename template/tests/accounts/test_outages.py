"""Sessions when Redis, or PostgreSQL too, is out of reach."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import delete

from app.accounts.models import User
from app.accounts.service import AccountService, accounts_of
from app.accounts.sessions.store import SessionStore
from app.audit.log import Actor
from app.composition import FeatureError, Resources, discover, open_resources
from app.kit import redis as kit_redis
from app.kit.database import Database
from app.kit.identity import Principal
from app.kit.problems import Unauthorized, Unavailable
from tests.accounts.fixtures import PASSWORD, log_in
from tests.identity import SignedIn
from tests.kit.refusals import STATES, RefusingServer, refusing_server


@pytest.fixture
async def no_redis() -> AsyncIterator[Redis]:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    yield redis
    await redis.aclose()


async def test_without_redis_sessions_are_read_from_postgresql(
    ann: SignedIn, accounts: AccountService, no_redis: Redis
) -> None:
    store = SessionStore(accounts.database, no_redis, accounts.tokens)
    assert str((await store.authenticate(ann.token)).user_id) == ann.user_id


async def test_without_redis_a_session_that_ended_is_refused(
    ann: SignedIn, accounts: AccountService, no_redis: Redis
) -> None:
    store = SessionStore(accounts.database, no_redis, accounts.tokens)
    principal = await store.authenticate(ann.token)
    async with accounts.database.unit_of_work() as work:
        await accounts.logout(work, Actor(principal.user_id, ""), principal.session_id)
    await store.forget(principal.user_id, principal.session_id)
    with pytest.raises(Unauthorized):
        await store.authenticate(ann.token)


async def test_without_both_the_answer_is_503_and_never_acceptance(
    ann: SignedIn, accounts: AccountService, no_redis: Redis, resources: Resources
) -> None:
    nowhere = resources.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    database = Database(nowhere)
    with pytest.raises(Unavailable):
        await SessionStore(database, no_redis, accounts.tokens).authenticate(ann.token)
    await database.close()


async def test_a_change_that_redis_does_not_hear_of_holds_all_the_same(
    ann: SignedIn, accounts: AccountService, no_redis: Redis
) -> None:
    store = SessionStore(accounts.database, no_redis, accounts.tokens)
    before = await store.authenticate(ann.token)
    async with accounts.database.unit_of_work() as work:
        (await accounts.profile(work, before)).roles = ["support"]
    await store.changed(before.user_id, 1)
    assert (await store.authenticate(ann.token)).roles == {"support"}


async def test_a_user_who_is_gone_is_not_signed_in(ann: SignedIn, accounts: AccountService) -> None:
    await ann.get("/v1/users/me")
    async with accounts.database.unit_of_work() as work:
        await work.session.execute(delete(User))
    assert (await ann.get("/v1/users/me")).status_code == 401


class Stranger:
    """An authenticator of another feature."""

    async def authenticate(self, token: str) -> Principal:
        raise LookupError(token)

    async def administers(self, principal: Principal) -> bool:
        raise LookupError(principal)


def test_account_routes_need_accounts(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "authenticator", Stranger())
    with pytest.raises(FeatureError, match="the authenticator of accounts"):
        accounts_of(resources)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingServer]:
    with refusing_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
async def refused(
    application: FastAPI, resources: Resources, server: RefusingServer, ann: SignedIn
) -> AsyncIterator[Resources]:
    """The application on the refusing server. The user is signed in there, with a copy in Redis."""
    other = resources.settings.model_copy(update={"redis_url": server.address})
    async with open_resources(other, discover()) as there:
        await there.redis.flushdb()
        application.state.resources = there
        try:
            assert (await ann.get("/v1/users/me")).status_code == 200
            yield there
        finally:
            application.state.resources = resources


@pytest.mark.parametrize("state", STATES)
async def test_a_session_that_ended_is_refused_at_once_though_redis_takes_no_mark(
    ann: SignedIn, refused: Resources, server: RefusingServer, state: str
) -> None:
    with server.refusing(state):
        assert (await ann.get("/v1/users/me")).status_code == 200
        assert (await ann.post("/v1/auth/logout")).status_code == 204
        assert [(await ann.get("/v1/users/me")).status_code for _ in range(3)] == [401] * 3


@pytest.mark.parametrize("state", STATES)
async def test_users_register_and_log_in_whatever_redis_refuses(
    client: httpx.AsyncClient, refused: Resources, server: RefusingServer, state: str
) -> None:
    user = {"email": f"{state.lower()}@example.com", "password": PASSWORD, "name": "Bob"}
    with server.refusing(state):
        assert (await client.post("/v1/users", json=user)).status_code == 201
        login = await log_in(client, user["email"])
        assert login.status_code == 200
        pair = await client.post("/v1/auth/refresh", json={"refresh_token": login.json()["refresh_token"]})
        assert pair.status_code == 200
