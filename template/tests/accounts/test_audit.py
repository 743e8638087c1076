"""The audit log: its events, its readers, and that it cannot be changed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from app.accounts.actions import AuditAction
from app.accounts.login.lockout import FORGOTTEN_AFTER
from app.accounts.models import LoginAttempts, LoginSession, MailedToken, RefreshToken
from app.accounts.retention import ENDED_SESSIONS_STAY, remove_old
from app.accounts.service import RACE
from app.audit.log import OPERATOR, record
from app.composition import Resources
from app.kit.database import Model
from tests.accounts.fixtures import PASSWORD, Mailbox, events, log_in
from tests.conftest import RunQueue
from tests.identity import SignedIn, SignIn


@pytest.fixture
def sign_in(register: SignIn) -> SignIn:
    """Sign in by requests, because these tests check the effects of a registration."""
    return register


async def count(resources: Resources, table: type[Model]) -> int:
    async with resources.database.engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table.__tablename__}")) or 0)  # noqa: S608  a table's own name


async def test_logins_and_logouts_are_recorded_with_address_and_request(ann: SignedIn, resources: Resources) -> None:
    await log_in(ann.client, ann.email, "wrong password")
    await log_in(ann.client, "nobody@example.com", "wrong password")
    await ann.post("/v1/auth/logout")
    registered, login, wrong, unknown, logout = await events(resources)
    assert [event.action for event in (registered, login, wrong, unknown, logout)] == [
        "user.registered",
        "login.succeeded",
        "login.failed",
        "login.failed",
        "session.ended",
    ]
    assert {str(event.actor_id) for event in (registered, login, logout)} == {ann.user_id}
    assert (wrong.actor_id, str(wrong.subject_id)) == (None, ann.user_id)
    assert (unknown.actor_id, unknown.subject_id) == (None, None)
    assert {event.address for event in (registered, login, wrong, unknown, logout)} == {"127.0.0.1"}
    assert len({event.request_id for event in (registered, login, wrong, unknown, logout)}) == 5
    assert login.details == logout.details
    assert datetime.now(UTC) - login.occurred_at < timedelta(minutes=1)


async def test_a_refresh_token_that_comes_back_is_recorded(ann: SignedIn, resources: Resources) -> None:
    token = (await log_in(ann.client, ann.email)).json()["refresh_token"]
    await ann.client.post("/v1/auth/refresh", json={"refresh_token": token})
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(RefreshToken).values(used_at=RefreshToken.used_at - RACE))
    await ann.client.post("/v1/auth/refresh", json={"refresh_token": token})
    reused = await events(resources, "refresh.reused")
    assert [str(event.subject_id) for event in reused] == [ann.user_id]


async def test_changes_of_password_and_profile_are_recorded_without_secrets(
    ann: SignedIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await ann.patch("/v1/users/me", {"name": "Ann Lee"})
    await ann.post("/v1/auth/password", {"current_password": PASSWORD, "new_password": "another long password"})
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    body = {"token": mailbox.token(), "password": "a third long password"}
    await ann.client.post("/v1/auth/password/reset", json=body)
    recorded = await events(resources)
    actions = {event.action for event in recorded}
    assert {"profile.changed", "password.changed", "password.reset", "sessions.ended"} <= actions
    everything = str([(event.action, event.details, event.address) for event in recorded])
    for secret in (PASSWORD, "another long password", "a third long password", body["token"], ann.token, "Ann Lee"):
        assert secret not in everything


async def test_an_event_stands_and_falls_with_what_it_records(resources: Resources) -> None:
    async def fail_after_recording() -> None:
        async with resources.database.unit_of_work() as work:
            record(work, AuditAction.ENABLED, OPERATOR)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await fail_after_recording()
    assert await events(resources) == []


async def test_the_log_is_read_by_pages_and_filters(ann: SignedIn, sign_in: SignIn) -> None:
    root = await sign_in("root@example.com", role="admin")
    for _ in range(3):
        await log_in(ann.client, ann.email, "wrong password")

    async def read(query: str) -> list[dict[str, str]]:
        answer = await root.get(f"/v1/audit-events?{query}")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, str]] = answer.json()["items"]
        return items

    assert [event["action"] for event in await read(f"subject_id={ann.user_id}&action=login.failed")] == [
        "login.failed"
    ] * 3
    assert {event["actor_id"] for event in await read(f"actor_id={ann.user_id}")} == {ann.user_id}
    now = datetime.now(UTC)
    assert await read(f"since={(now + timedelta(hours=1)).isoformat().replace('+', '%2B')}") == []
    assert await read(f"until={(now - timedelta(hours=1)).isoformat().replace('+', '%2B')}") == []
    page = (await root.get("/v1/audit-events?limit=2")).json()
    following = (await root.get(f"/v1/audit-events?limit=2&cursor={page['next_cursor']}")).json()
    ids = [UUID(event["id"]) for event in page["items"] + following["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4
    assert len(await read("action=audit.read&limit=100")) >= 6


@pytest.mark.parametrize(
    "query",
    [
        "limit=101",
        "action=x",
        "actor_id=1",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "until=0.5",
        "since=1",
        "cursor=x",
    ],
)
async def test_a_wrong_question_is_refused(sign_in: SignIn, query: str) -> None:
    root = await sign_in("root@example.com", role="admin")
    assert (await root.get(f"/v1/audit-events?{query}")).status_code == 422


async def test_what_is_over_is_removed_and_what_lives_stays(
    sign_in: SignIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    ended, living = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    await log_in(ended.client, "nobody@example.com")
    await run_queue()
    await ended.post("/v1/auth/logout")
    await remove_old(resources)
    tables = (LoginSession, RefreshToken, MailedToken, LoginAttempts)
    assert [await count(resources, table) for table in tables] == [2, 2, 2, 1]
    async with resources.database.unit_of_work() as work:
        for change in (
            update(LoginSession).values(revoked_at=LoginSession.revoked_at - ENDED_SESSIONS_STAY),
            update(MailedToken).values(expires_at=MailedToken.expires_at - timedelta(days=3)),
            update(LoginAttempts).values(last_at=LoginAttempts.last_at - FORGOTTEN_AFTER),
        ):
            await work.session.execute(change)
    await remove_old(resources)
    assert [await count(resources, table) for table in tables] == [1, 1, 0, 0]
    assert (await living.get("/v1/users/me")).status_code == 200
