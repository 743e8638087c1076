"""Sessions when Redis, or PostgreSQL too, is out of reach."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete

from app.accounts.audit import Actor
from app.accounts.models import User
from app.accounts.service import AccountService, accounts_of
from app.accounts.sessions import SessionStore
from app.kit import redis as kit_redis
from app.kit.database import Database
from app.kit.features import FeatureError
from app.kit.problems import Unauthorized, Unavailable
from app.kit.resources import Resources
from tests.identity import SignedIn


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
    await store.forget(principal.session_id)
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
    await store.reread(before.session_id)
    assert (await store.authenticate(ann.token)).roles == {"support"}


async def test_a_user_who_is_gone_is_not_signed_in(ann: SignedIn, accounts: AccountService) -> None:
    await ann.get("/v1/users/me")
    async with accounts.database.unit_of_work() as work:
        await work.session.execute(delete(User))
    assert (await ann.get("/v1/users/me")).status_code == 401


def test_account_routes_need_accounts(resources: Resources, accounts: AccountService) -> None:
    resources.authenticator = accounts.sessions
    with pytest.raises(FeatureError, match="the authenticator of accounts"):
        accounts_of(resources)
