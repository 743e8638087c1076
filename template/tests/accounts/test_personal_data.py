"""Users export and delete their accounts: everything that is stored about them, and nothing of anybody else."""

import asyncio
import logging
from datetime import datetime
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from app.accounts.login.lockout import FORGOTTEN_AFTER
from app.accounts.models import Purpose, User
from app.accounts.personal_data.service import erase_late_rows
from app.accounts.recovery.mailed_tokens import LIFETIMES, MailedTokens
from app.accounts.retention import ENDED_SESSIONS_STAY
from app.accounts.service import AccountService
from app.composition import Resources
from app.kit.database import Model
from app.tasks.models import Task
from tests.accounts.fixtures import PASSWORD, Mailbox, events, log_in, set_up
from tests.accounts.test_commands import users
from tests.conftest import ROOT, RunQueue
from tests.identity import Confirm, SignedIn, SignIn

PATH = "/v1/users/me/delete"


@pytest.fixture
def sign_in(register: SignIn) -> SignIn:
    """Sign in by requests, because these tests check the effects of a registration."""
    return register


async def delete(user: SignedIn, password: str = PASSWORD) -> httpx.Response:
    return await user.post(PATH, {"current_password": password})


@pytest.fixture
async def root(sign_in: SignIn) -> SignedIn:
    """An administrator."""
    return await sign_in("root@example.com", role="admin")


async def tables_with(resources: Resources, needle: str) -> set[str]:
    """Return the tables that contain a text in any column."""
    found = set()
    async with resources.database.engine.connect() as connection:
        for table in Model.metadata.sorted_tables:
            query = f"SELECT count(*) FROM {table.name} AS one WHERE one::text LIKE :needle"  # noqa: S608  own names
            if await connection.scalar(text(query), {"needle": f"%{needle}%"}):
                found.add(table.name)
    return found


async def add_task(resources: Resources, owner_id: str) -> None:
    async with resources.database.unit_of_work() as work:
        task = Task(kind="made-up", owner_id=UUID(owner_id), payload={"text": "hers"}, language="en", status="failed")
        work.session.add(task)


async def test_an_export_holds_the_rows_of_every_declared_table(ann: SignedIn, resources: Resources) -> None:
    await add_task(resources, ann.user_id)
    answer = await ann.get("/v1/users/me/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="export.json"'
    assert answer.headers["cache-control"] == "no-store"
    records = answer.json()["records"]
    assert set(records) == {rows.table.name for rows in resources.personal_data}
    (user,) = records["users"]
    assert (user["id"], user["email"], user["name"]) == (ann.user_id, ann.email, "Ann")
    assert [task["payload"] for task in records["tasks"]] == [{"text": "hers"}]
    assert [session["address"] for session in records["sessions"]] == ["127.0.0.1"]
    actions = [event["action"] for event in records["audit_events"]]
    assert actions == ["user.registered", "login.succeeded", "user.exported"]


async def test_an_export_holds_no_secret_and_nobody_elses_data(
    ann: SignedIn, root: SignedIn, sign_in: SignIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await sign_in("bob@example.com")
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    await root.patch(f"/v1/users/{ann.user_id}/roles", {"roles": ["support"]})
    document = (await ann.get("/v1/users/me/export")).text
    for secret in ("$argon2", "digest", "password_hash", ann.token, mailbox.token(), "bob@", "root@", root.user_id):
        assert secret not in document, secret
    (changed,) = [one for one in (await exported(ann, "audit_events")) if one["action"] == "roles.changed"]
    assert (changed["actor_id"] or "", changed["address"]) == ("", "")


async def exported(user: SignedIn, table: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = (await user.get("/v1/users/me/export")).json()["records"][table]
    return rows


async def test_exports_are_limited_and_need_a_session(ann: SignedIn) -> None:
    assert (await ann.client.get("/v1/users/me/export")).status_code == 401
    answers = [(await ann.get("/v1/users/me/export")).status_code for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


async def test_a_deleted_account_is_gone_at_once(ann: SignedIn, client: httpx.AsyncClient) -> None:
    pair = (await log_in(client, ann.email)).json()
    await ann.get("/v1/users/me")
    assert (await delete(ann)).status_code == 204
    for token in (ann.token, pair["access_token"]):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/v1/users/me", headers=headers)).status_code == 401
    refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert (refreshed.status_code, refreshed.json()["type"]) == (401, "urn:problem:refresh-refused")
    gone, nobody = await log_in(client, ann.email), await log_in(client, "nobody@example.com")
    assert gone.status_code == nobody.status_code == 401
    assert gone.json()["type"] == nobody.json()["type"] == "urn:problem:wrong-credentials"
    assert (await client.post("/v1/auth/introspect", data={"token": ann.token})).json() == {"active": False}


async def test_a_deletion_leaves_the_users_id_in_the_audit_log_and_nothing_else(
    ann: SignedIn, confirm: Confirm, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await confirm(ann)
    await log_in(ann.client, ann.email, "wrong password")
    await add_task(resources, ann.user_id)
    async with resources.database.unit_of_work() as work:
        # A mail that the server refused stays for some days, and can be replayed.
        work.session.add(Task(kind="made-up", payload={"to": ann.email}, language="en", status="dead"))
    assert "users" in await tables_with(resources, ann.email)
    await delete(ann)
    await run_queue()
    assert await tables_with(resources, ann.email) == set()
    assert await tables_with(resources, ann.user_id) == {"audit_events"}
    assert [str(event.subject_id) for event in await events(resources, "user.deleted")] == [ann.user_id]


async def test_an_administrators_search_leaves_no_address_in_the_log(
    ann: SignedIn, root: SignedIn, resources: Resources
) -> None:
    await root.get(f"/v1/users?email={ann.email}")
    assert await tables_with(resources, ann.email) == {"users", "tasks"}
    (read,) = await events(resources, "users.read")
    assert read.details == {"users": [ann.user_id]}


async def test_mails_that_wait_are_dropped_and_one_confirms_the_deletion(
    ann: SignedIn, confirm: Confirm, mailbox: Mailbox, run_queue: RunQueue, resources: Resources
) -> None:
    await run_queue()
    await confirm(ann)
    mailbox.mails.clear()
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await ann.post("/v1/auth/password", {"current_password": PASSWORD, "new_password": "another long password"})
    assert (await delete(ann, "another long password")).status_code == 204
    await run_queue()
    assert [(mail.to, mail.subject) for mail in mailbox.mails] == [(ann.email, "Your account was deleted")]
    assert "127.0.0.1" in mailbox.mails[0].text
    assert "token" not in mailbox.mails[0].text


async def test_an_unconfirmed_address_is_told_nothing(ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> None:
    await delete(ann)
    await run_queue()
    assert mailbox.mails == []


async def test_links_of_a_deleted_account_are_void(
    ann: SignedIn, sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await ann.client.post("/v1/auth/password/forgot", json={"email": ann.email})
    await run_queue()
    reset, verify = mailbox.token(), mailbox.token("verify-email")
    await delete(ann)
    again = await sign_in(ann.email)
    assert again.user_id != ann.user_id
    body = {"token": reset, "password": "another long password"}
    assert (await ann.client.post("/v1/auth/password/reset", json=body)).status_code == 400
    assert (await ann.client.post("/v1/auth/verify-email", json={"token": verify})).status_code == 400
    assert (await again.get("/v1/users/me")).json()["email_verified"] is False


async def test_the_address_registers_again_and_the_old_token_does_nothing_to_it(
    ann: SignedIn, sign_in: SignIn, resources: Resources, run_queue: RunQueue
) -> None:
    await delete(ann)
    again = await sign_in(ann.email)
    await add_task(resources, again.user_id)
    assert (await delete(ann)).status_code == 401
    await run_queue()
    await erase_late_rows(resources)
    assert (await again.get("/v1/users/me")).json()["id"] == again.user_id
    assert len(await exported(again, "tasks")) == 1


@pytest.mark.parametrize("body", [{}, {"current_password": ""}, {"current_password": PASSWORD, "user_id": "x"}])
async def test_a_wrong_request_deletes_nothing(ann: SignedIn, body: dict[str, str]) -> None:
    assert (await ann.post(PATH, body)).status_code == 422
    assert (await ann.get("/v1/users/me")).status_code == 200


async def test_the_password_is_guessed_no_faster_than_at_a_login(
    ann: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    set_up(resources, login_failures=3)
    answers = [(await delete(ann, "wrong password")).json()["type"] for _ in range(4)]
    assert answers == ["urn:problem:wrong-password"] * 3 + ["urn:problem:login-locked"]
    assert (await delete(ann)).status_code == 429
    assert (await ann.get("/v1/users/me")).status_code == 200
    reasons = [event.details["reason"] for event in await events(resources, "login.failed")]
    assert reasons == ["current password"] * 3


async def test_the_last_administrator_stays(root: SignedIn, sign_in: SignIn, resources: Resources) -> None:
    for _ in range(6):
        refused = await delete(root)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem:last-administrator")
    assert await events(resources, "login.failed", "user.deleted") == []
    ada = await sign_in("ada@example.com", role="admin")
    await root.post(f"/v1/users/{ada.user_id}/disable")
    assert (await delete(root)).status_code == 409
    await root.post(f"/v1/users/{ada.user_id}/enable")
    assert (await delete(root)).status_code == 204
    assert (await delete(await sign_in("ada@example.com"))).status_code == 409


async def test_of_administrators_who_delete_themselves_at_once_one_remains(
    sign_in: SignIn, resources: Resources, open_limits: None
) -> None:
    administrators = [await sign_in(f"admin{number}@example.com", role="admin") for number in range(4)]
    answers = await asyncio.gather(*(delete(one) for one in administrators))
    assert sorted(answer.status_code for answer in answers) == [204, 204, 204, 409]


async def test_an_account_deleted_twice_at_once_is_deleted_once(ann: SignedIn, resources: Resources) -> None:
    answers = await asyncio.gather(*(delete(ann) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) in ([204, 401, 401], [204, 401, 403], [204, 403, 403])
    assert len(await events(resources, "user.deleted")) == 1


async def test_an_administrator_exports_and_deletes_another_user(
    root: SignedIn, ann: SignedIn, confirm: Confirm, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await run_queue()
    await confirm(ann)
    await add_task(resources, ann.user_id)
    path = f"/v1/users/{ann.user_id}"
    document = (await root.get(f"{path}/export")).json()
    assert [user["email"] for user in document["records"]["users"]] == [ann.email]
    assert (await root.delete(path)).status_code == 204
    assert (await ann.get("/v1/users/me")).status_code == 401
    mailbox.mails.clear()
    await run_queue()
    assert await tables_with(resources, ann.user_id) == {"audit_events"}
    (mail,) = mailbox.mails
    assert "An administrator deleted your account" in mail.text
    assert "127.0.0.1" not in mail.text.replace("127.0.0.1:8000", "")
    done = await events(resources, "user.exported", "user.deleted")
    assert [(event.action, str(event.actor_id)) for event in done] == [
        ("user.exported", root.user_id),
        ("user.deleted", root.user_id),
    ]
    assert [(await root.delete(path)).status_code, (await root.get(f"{path}/export")).status_code] == [404, 404]


async def test_administrators_do_not_delete_themselves_as_others(root: SignedIn) -> None:
    answer = await root.delete(f"/v1/users/{root.user_id}")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:own-account")


async def test_nobody_else_exports_or_deletes_a_user(ann: SignedIn, sign_in: SignIn) -> None:
    bob = await sign_in("bob@example.com")
    for user in (ann.user_id, bob.user_id, str(uuid4())):
        assert (await bob.get(f"/v1/users/{user}/export")).status_code == 403
        assert (await bob.delete(f"/v1/users/{user}")).status_code == 403
    assert (await ann.get("/v1/users/me")).status_code == 200


async def test_rows_that_a_late_request_writes_are_removed_too(
    ann: SignedIn, resources: Resources, run_queue: RunQueue
) -> None:
    await delete(ann)
    await run_queue()
    await add_task(resources, ann.user_id)
    await erase_late_rows(resources)
    assert await tables_with(resources, ann.user_id) == {"audit_events"}


async def test_a_link_for_a_user_who_is_being_deleted_is_not_mailed(
    ann: SignedIn,
    resources: Resources,
    mailbox: Mailbox,
    run_queue: RunQueue,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker has read the user, and the deletion commits before the link's token is written."""
    issue = MailedTokens.issue

    async def issue_late(self: MailedTokens, user: User, purpose: Purpose) -> tuple[str, datetime]:
        await delete(ann)
        return await issue(self, user, purpose)

    monkeypatch.setattr(MailedTokens, "issue", issue_late)
    await run_queue()
    assert mailbox.mails == []
    assert await tables_with(resources, ann.email) == set()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.usefixtures("resources")
def test_commands_export_and_delete() -> None:
    users("create", "ann@example.com")
    printed = users("export", "Ann@example.com")
    assert printed.exit_code == 0
    assert '"email":"ann@example.com"' in printed.stdout
    assert users("delete", "ann@example.com").exit_code == 1
    assert users("delete", "ann@example.com", "--yes").stdout == "ann@example.com is deleted\n"
    for command in (("export",), ("delete", "--yes")):
        done = users(command[0], "ann@example.com", *command[1:])
        assert (done.exit_code, "no user has the address" in done.output) == (2, True)


def test_the_documented_times_are_those_of_the_code() -> None:
    document = (ROOT / "docs/users-data.md").read_text(encoding="utf-8")
    verify, restore = LIFETIMES[Purpose.VERIFY_EMAIL].days, LIFETIMES[Purpose.RESTORE_EMAIL].days
    for stated in (
        f"| {ENDED_SESSIONS_STAY.days} days after the end of the session",
        f"| {verify} days; {restore} days for the former address |",
        f"| {FORGOTTEN_AFTER.days} day after the last failure |",
        f"For {restore} days, a link to the former address can undo the change",
    ):
        assert stated in document
    assert max(LIFETIMES.values()) == LIFETIMES[Purpose.RESTORE_EMAIL]
