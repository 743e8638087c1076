"""Administrators list users, change roles and disable accounts; other users cannot."""

from uuid import uuid4

import httpx
import pytest

from app.composition import Resources
from tests.accounts.fixtures import PASSWORD, events, log_in
from tests.identity import SignedIn, SignIn


@pytest.fixture
async def root(sign_in: SignIn) -> SignedIn:
    """Return an administrator."""
    return await sign_in("root@example.com", role="admin")


async def test_users_come_in_pages_newest_first(root: SignedIn, client: httpx.AsyncClient) -> None:
    for number in range(4):
        new = {"email": f"user{number}@example.com", "password": PASSWORD, "name": "User"}
        await client.post("/v1/users", json=new)
    seen, cursor = [], ""
    for _ in range(3):
        page = (await root.get(f"/v1/users?limit=2{cursor}")).json()
        seen += [item["email"].partition("@")[0] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["user3", "user2", "user1", "user0", "root"]
    assert page["next_cursor"] is None
    assert not {"password_hash", "password"} & set(page["items"][0])


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("ann@", 1), ("ANN", 2), ("", 3), ("nn", 0), ("%25", 0), ("ann_", 0), ("' OR 1=1 --", 0), ("a%5C", 0)],
)
async def test_users_are_found_by_the_beginning_of_their_address(
    root: SignedIn, sign_in: SignIn, prefix: str, found: int
) -> None:
    await sign_in("ann@example.com")
    await sign_in("anna@example.com")
    assert len((await root.get(f"/v1/users?email={prefix}")).json()["items"]) == found


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "email=%00", "email=" + "x" * 321])
async def test_a_wrong_page_is_refused(root: SignedIn, query: str) -> None:
    assert (await root.get(f"/v1/users?{query}")).status_code == 422


async def test_a_role_holds_at_once_in_open_sessions_given_or_taken(root: SignedIn, ann: SignedIn) -> None:
    path = f"/v1/users/{ann.user_id}/roles"
    assert (await ann.get("/v1/users")).status_code == 403
    answer = await root.patch(path, {"roles": ["support", "admin", "admin"]})
    assert (answer.status_code, answer.json()["roles"]) == (200, ["admin", "support"])
    assert (await ann.get("/v1/users")).status_code == 200
    await root.patch(path, {"roles": []})
    assert (await ann.get("/v1/users")).status_code == 403


@pytest.mark.parametrize(
    "roles", [["Admin"], ["a b"], [""], [1], "admin", None, [f"role-{n}" for n in range(21)], ["x" * 41]]
)
async def test_a_wrong_role_is_refused(root: SignedIn, roles: object) -> None:
    answer = await root.patch(f"/v1/users/{root.user_id}/roles", {"roles": roles})
    assert answer.status_code == 422


async def test_a_disabled_user_is_out_at_once_and_is_told_only_with_the_password(root: SignedIn, ann: SignedIn) -> None:
    await ann.get("/v1/users/me")
    closed = await root.post(f"/v1/users/{ann.user_id}/disable")
    assert (closed.status_code, closed.json()["disabled"]) == (200, True)
    assert (await ann.get("/v1/users/me")).status_code == 401
    right, wrong = await log_in(ann.client, ann.email), await log_in(ann.client, ann.email, "wrong password")
    assert (right.status_code, right.json()["type"]) == (403, "urn:problem:account-disabled")
    assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:problem:wrong-credentials")
    assert (await root.post(f"/v1/users/{ann.user_id}/enable")).json()["disabled"] is False
    assert (await log_in(ann.client, ann.email)).status_code == 200
    assert (await ann.get("/v1/users/me")).status_code == 401


async def test_a_disabled_users_refresh_token_is_worth_nothing(root: SignedIn, ann: SignedIn) -> None:
    pair = (await log_in(ann.client, ann.email)).json()
    await root.post(f"/v1/users/{ann.user_id}/disable")
    answer = await ann.client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert answer.status_code == 401


async def test_an_administrator_remains(root: SignedIn) -> None:
    for answer in (
        await root.post(f"/v1/users/{root.user_id}/disable"),
        await root.patch(f"/v1/users/{root.user_id}/roles", {"roles": ["support"]}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:own-account")
    assert (await root.patch(f"/v1/users/{root.user_id}/roles", {"roles": ["admin", "x"]})).status_code == 200


async def test_nobody_else_administrates(ann: SignedIn, sign_in: SignIn) -> None:
    bob = await sign_in("bob@example.com")
    for user_id in (ann.user_id, bob.user_id, str(uuid4())):
        path = f"/v1/users/{user_id}"
        answers = [
            await ann.get(path),
            await ann.patch(f"{path}/roles", {"roles": ["admin"]}),
            await ann.post(f"{path}/disable"),
            await ann.post(f"{path}/enable"),
        ]
        assert [answer.status_code for answer in answers] == [403] * 4
    for path in ("/v1/users", "/v1/audit-events"):
        assert (await ann.get(path)).status_code == 403
        assert (await ann.client.get(path)).status_code == 401
    assert (await bob.get("/v1/users/me")).json()["roles"] == []


async def test_a_user_who_is_not_there_is_not_found(root: SignedIn) -> None:
    path = f"/v1/users/{uuid4()}"
    answers = [
        await root.get(path),
        await root.patch(f"{path}/roles", {"roles": []}),
        await root.post(f"{path}/disable"),
        await root.post(f"{path}/enable"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


async def test_what_administrators_do_and_read_is_recorded(root: SignedIn, ann: SignedIn, resources: Resources) -> None:
    await root.get("/v1/users?email=ann")
    await root.get(f"/v1/users/{ann.user_id}")
    await root.patch(f"/v1/users/{ann.user_id}/roles", {"roles": ["support"]})
    await root.post(f"/v1/users/{ann.user_id}/disable")
    await root.post(f"/v1/users/{ann.user_id}/enable")
    _, _, *recorded = [event for event in await events(resources) if str(event.actor_id) == root.user_id]
    assert [(event.action, str(event.subject_id)) for event in recorded] == [
        ("users.read", "None"),
        ("user.read", ann.user_id),
        ("roles.changed", ann.user_id),
        ("user.disabled", ann.user_id),
        ("sessions.ended", ann.user_id),
        ("user.enabled", ann.user_id),
    ]
    assert recorded[2].details == {"before": [], "after": ["support"]}
    assert all(event.request_id for event in recorded)
