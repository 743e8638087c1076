"""Sessions when Redis, or PostgreSQL too, is out of reach."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.accounts.audit import Actor
from app.accounts.service import AccountService
from app.accounts.sessions import SessionStore
from app.kit import redis as kit_redis
from app.kit.database import Database
from app.kit.problems import Unauthorized, Unavailable
from app.kit.resources import Resources
from tests.identity import SignedIn


@pytest.fixture
async def no_redis() -> AsyncIterator[Redis]:
    redis = kit_redis.connect("redis://127.0.0.1:1/0")
    yield redis
    await redis.aclose()


@pytest.fixture
def accounts(resources: Resources) -> AccountService:
    assert isinstance(resources.authenticator, AccountService)
    return resources.authenticator


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
