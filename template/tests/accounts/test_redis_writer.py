"""A writer to Redis can impersonate nobody, promote nobody, and break no request."""

import json
import time
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from app.accounts.administration.service import set_roles
from app.accounts.service import AccountService
from app.accounts.sessions.store import COPY_SECONDS
from app.audit.log import OPERATOR, Actor
from app.composition import Resources
from app.kit.queue import NoPayload, TaskKind
from app.tasks.service import request_task
from tests.accounts.fixtures import log_in
from tests.identity import SignedIn, SignIn


async def copies(resources: Resources) -> dict[bytes, bytes]:
    """Return the session data in Redis, by key."""
    keys = [key async for key in resources.redis.scan_iter("session:*")]
    return {key: await resources.redis.get(key) for key in keys}


def forged(copy: bytes, **members: object) -> bytes:
    return copy[:32] + json.dumps({**json.loads(copy[32:]), **members}).encode()


async def test_a_copy_that_was_changed_counts_for_nothing(
    ann: SignedIn, client: httpx.AsyncClient, resources: Resources, sign_in: SignIn
) -> None:
    await ann.get("/v1/users/me")
    ((key, copy),) = (await copies(resources)).items()
    for members in ({"roles": ["admin"]}, {"until": time.time() + 9e9}, {"email": "eve@example.com"}):
        await resources.redis.set(key, forged(copy, **members))
        token = (await client.post("/v1/auth/introspect", data={"token": ann.token})).json()
        assert (token["sub"], token["roles"], token.get("email")) == (ann.user_id, [], None)
        # The forged copy was overwritten with the data of the row.
        assert await resources.redis.get(key) != forged(copy, **members)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"{}", b"x" * 40, b"\xff" * 500, b"changed", json.dumps({"roles": ["admin"]}).encode()],
)
async def test_what_is_no_copy_and_no_mark_breaks_nothing(ann: SignedIn, resources: Resources, content: bytes) -> None:
    await ann.get("/v1/users/me")
    (key,) = await copies(resources)
    user_key = b"user:" + key.split(b":")[1]
    for changed in (key, user_key):
        await resources.redis.set(changed, content)
        assert (await ann.get("/v1/users/me")).status_code == 200
        await resources.redis.delete(changed)
        await resources.redis.execute_command("LPUSH", changed, content)  # type: ignore[no-untyped-call]  # redis-py
        assert (await ann.get("/v1/users/me")).status_code == 200
        assert (await ann.patch("/v1/users/me", {"name": "Ann Lee"})).status_code == 200
        await resources.redis.delete(changed)


async def test_a_copy_at_another_sessions_key_lets_nobody_in_as_its_owner(
    ann: SignedIn, resources: Resources, sign_in: SignIn
) -> None:
    await ann.get("/v1/users/me")
    (own,) = await copies(resources)
    root = await sign_in("root@example.com", role="admin")
    await root.get("/v1/users/me")
    roots = next(copy for key, copy in (await copies(resources)).items() if key != own)
    await resources.redis.set(own, roots)
    assert (await ann.get("/v1/users/me")).json()["email"] == ann.email
    assert (await ann.get("/v1/users")).status_code == 403


async def test_a_copy_that_is_put_back_ends_with_its_time_and_administers_nothing(
    resources: Resources, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = await sign_in("root@example.com", role="admin")
    await root.get("/v1/users/me")
    ((key, copy),) = (await copies(resources)).items()
    await root.post("/v1/auth/logout")
    await resources.redis.flushdb()
    await resources.redis.set(key, copy)
    for path in ("/v1/users", f"/v1/users/{root.user_id}", "/v1/audit-events"):
        assert (await root.get(path)).status_code == 401
    assert (await root.patch(f"/v1/users/{root.user_id}/roles", {"roles": ["admin"]})).status_code == 401
    later = time.time() + COPY_SECONDS + 1
    monkeypatch.setattr("app.accounts.sessions.store.time.time", lambda: later)
    await resources.redis.set(key, copy)
    assert (await root.get("/v1/auth/sessions")).status_code == 401


async def test_a_demoted_administrator_is_none_whatever_redis_says(
    resources: Resources, accounts: AccountService, sign_in: SignIn
) -> None:
    root, ada = await sign_in("root@example.com", role="admin"), await sign_in("ada@example.com", role="admin")
    await root.get("/v1/users")
    before = await copies(resources)
    async with resources.database.unit_of_work() as work:
        await set_roles(accounts, work, Actor(None, ""), user_id(root), set())
    await resources.redis.flushdb()
    for key, copy in before.items():
        await resources.redis.set(key, copy)
    assert (await root.get("/v1/users")).status_code == 403
    # Another user's task is not shown either, although the copy alone would allow it.
    async with resources.database.unit_of_work() as work:
        task_id = request_task(work, resources.queue, TaskKind("noted", NoPayload), NoPayload(), owner_id=user_id(ada))
    assert (await root.get(f"/v1/tasks/{task_id}")).status_code == 404
    assert (await ada.get(f"/v1/tasks/{task_id}")).status_code == 200
    assert (await root.patch(f"/v1/users/{ada.user_id}/roles", {"roles": []})).status_code == 403
    assert (await root.post(f"/v1/users/{ada.user_id}/disable")).status_code == 403


async def test_every_session_of_a_demoted_or_disabled_user_hears_of_it(
    resources: Resources, accounts: AccountService, ann: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All sessions are ended, although a list of sessions shows only the newest."""
    monkeypatch.setattr("app.accounts.repository.MOST_SESSIONS", 3)
    tokens = [(await log_in(ann.client, ann.email)).json()["access_token"] for _ in range(8)]
    async with resources.database.unit_of_work() as work:
        await set_roles(accounts, work, OPERATOR, user_id(ann), {"support"})
    assert await seen(ann, tokens, lambda answer: answer.json()["roles"]) == [["support"]]
    async with resources.database.unit_of_work() as work:
        await set_roles(accounts, work, OPERATOR, user_id(ann), set())
    assert await seen(ann, tokens, lambda answer: answer.json()["roles"]) == [[]]
    await ann.delete("/v1/auth/sessions")
    assert await seen(ann, tokens, lambda answer: answer.json()["active"]) == [False]


async def test_marks_that_are_written_in_the_wrong_order_hide_no_change(
    ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    await ann.get("/v1/users/me")
    async with resources.database.unit_of_work() as work:
        user = await accounts.profile(work, await accounts.authenticate(ann.token))
        user.roles, user.generation = ["support"], 2
    await accounts.sessions.changed(user.id, 2)
    await accounts.sessions.changed(user.id, 1)
    assert (await accounts.authenticate(ann.token)).roles == {"support"}


def user_id(user: SignedIn) -> UUID:
    return UUID(user.user_id)


async def seen(user: SignedIn, tokens: list[str], look: Callable[[httpx.Response], object]) -> list[object]:
    """Return the distinct answers of the service about the tokens."""
    answers = [look(await user.client.post("/v1/auth/introspect", data={"token": token})) for token in tokens]
    return [answer for number, answer in enumerate(answers) if answer not in answers[:number]]
