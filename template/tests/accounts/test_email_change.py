"""A change of email address: confirmed at the new address, announced to the former one, and reverted from there."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import undefer

from app.accounts.models import MailedToken, Purpose, User
from app.accounts.retention import remove_old
from app.accounts.service import AccountService
from app.composition import Resources
from app.kit.configuration import Environment
from app.tasks.mail import MOST_AN_HOUR
from app.tasks.models import Task
from tests.accounts.fixtures import PASSWORD, Mailbox, events, log_in, set_up
from tests.conftest import RunQueue
from tests.identity import Confirm, SignedIn, SignIn

NEW, THIEFS, OWNERS = "ann@new.example.com", "the password of a thief", "a password of the owner"
NOTICE = "Your email address was changed"


async def ask(user: SignedIn, email: str = NEW, password: str = PASSWORD) -> httpx.Response:
    return await user.post("/v1/auth/email", {"email": email, "current_password": password})


async def confirm_new(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/email/confirm", json={"token": token})


async def restore(client: httpx.AsyncClient, token: str, password: str = OWNERS) -> httpx.Response:
    return await client.post("/v1/auth/email/restore", json={"token": token, "password": password})


@pytest.fixture
async def verified(ann: SignedIn, confirm: Confirm) -> SignedIn:
    """Return Ann, whose address is confirmed."""
    await confirm(ann)
    return ann


@pytest.fixture
async def link(verified: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> str:
    """Return the token that was sent to Ann's new address."""
    assert (await ask(verified)).status_code == 202
    await run_queue()
    return mailbox.token("change-email")


@pytest.fixture
async def undo(link: str, verified: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> str:
    """Change Ann's address, and return the token that was sent to the former one."""
    assert (await confirm_new(verified.client, link)).status_code == 204
    await run_queue()
    return mailbox.token("restore-email")


async def me(user: SignedIn) -> tuple[str, bool]:
    shown = (await user.get("/v1/users/me")).json()
    return shown["email"], shown["email_verified"]


async def test_an_address_is_changed_once_its_link_is_used(verified: SignedIn, link: str, mailbox: Mailbox) -> None:
    assert [(mail.to, mail.subject) for mail in mailbox.mails] == [(NEW, "Confirm your new email address")]
    assert await me(verified) == ("ann@example.com", True)
    assert (await log_in(verified.client, "ann@example.com")).status_code == 200
    assert (await log_in(verified.client, NEW)).status_code == 401
    assert (await confirm_new(verified.client, link)).status_code == 204
    assert await me(verified) == (NEW, True)
    assert (await log_in(verified.client, "ann@example.com")).status_code == 401
    assert (await log_in(verified.client, NEW)).status_code == 200


async def test_the_mail_to_the_new_address_tells_a_stranger_nothing(link: str, mailbox: Mailbox) -> None:
    (mail,) = mailbox.mails
    assert not re.search(r"\bAnn\b|ann@example", mail.text + mail.html)


async def test_a_change_ends_all_other_sessions(sign_in: SignIn, verified: SignedIn, link: str) -> None:
    other = await sign_in()
    await confirm_new(verified.client, link)
    assert (await other.get("/v1/users/me")).status_code == 401
    assert (await verified.get("/v1/users/me")).status_code == 200


async def test_the_former_address_is_told_and_the_new_one_is_not_named(
    verified: SignedIn, undo: str, mailbox: Mailbox
) -> None:
    notice = mailbox.mails[-1]
    assert (notice.to, notice.subject) == ("ann@example.com", NOTICE)
    assert "127.0.0.1" in notice.text
    assert NEW not in notice.text + notice.html


async def test_an_unconfirmed_former_address_is_told_nothing_and_is_free(
    ann: SignedIn, sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await ask(ann)
    await run_queue()
    await confirm_new(ann.client, mailbox.token("change-email"))
    await run_queue()
    assert NOTICE not in {mail.subject for mail in mailbox.mails}
    assert (await sign_in("ann@example.com")).user_id != ann.user_id


async def test_a_link_is_good_once_and_for_its_purpose_alone(
    verified: SignedIn, link: str, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    client = verified.client
    await client.post("/v1/auth/password/forgot", json={"email": verified.email})
    await run_queue()
    reset = mailbox.token()
    for token in (reset, verified.token, "", "x" * 200):
        answer = await confirm_new(client, token)
        assert answer.status_code in (400, 422)
    assert (await restore(client, link)).status_code == 400
    assert (await client.post("/v1/auth/verify-email", json={"token": link})).status_code == 400
    body = {"token": link, "password": THIEFS}
    assert (await client.post("/v1/auth/password/reset", json=body)).status_code == 400
    assert [(await confirm_new(client, link)).status_code for _ in range(2)] == [204, 400]
    assert (await client.post("/v1/auth/password/reset", json={**body, "token": reset})).status_code == 400


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_EMAIL, Purpose.RESTORE_EMAIL])
async def test_a_link_ends_with_its_time_and_is_removed(
    verified: SignedIn, undo: str, resources: Resources, run_queue: RunQueue, mailbox: Mailbox, purpose: Purpose
) -> None:
    await ask(verified, "third@example.com")
    await run_queue()
    late = MailedToken.expires_at - timedelta(days=7, seconds=1)
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(MailedToken).where(MailedToken.purpose == purpose).values(expires_at=late))
    if purpose is Purpose.CHANGE_EMAIL:
        assert (await confirm_new(verified.client, mailbox.token("change-email"))).status_code == 400
    else:
        assert (await restore(verified.client, undo)).status_code == 400
    await remove_old(resources)
    async with resources.database.unit_of_work() as work:
        assert purpose not in (await work.session.execute(select(MailedToken.purpose))).scalars().all()


async def test_a_taken_address_is_answered_alike_for_the_same_statements(
    verified: SignedIn, sign_in: SignIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await sign_in("bob@example.com")
    await me(verified)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine, seen, answers = resources.database.engine.sync_engine, [], []
    for email in ("free@example.com", "bob@example.com", "BOB@example.com ", verified.email):
        event.listen(engine, "before_cursor_execute", note)
        answers.append(await ask(verified, email))
        event.remove(engine, "before_cursor_execute", note)
        seen.append(list(statements))
        await run_queue()
        statements.clear()
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 4
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert [mail.to for mail in mailbox.mails if "change-email" in mail.text] == ["free@example.com"]


async def test_neither_an_export_nor_a_task_tells_whether_an_address_is_free(
    verified: SignedIn, sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await sign_in("bob@example.com")
    for email in ["free@example.com"] * (MOST_AN_HOUR + 1) + ["bob@example.com", verified.email]:
        assert (await ask(verified, email)).status_code == 202
        await run_queue()
        records = (await verified.get("/v1/users/me/export")).json()["records"]
        rows = [(row["purpose"], row["email"]) for row in records["mailed_tokens"]]
        assert rows.count(("change-email", email)) == 1
        tasks = (await verified.get("/v1/tasks")).json()["items"]
        assert "accounts.change-email" not in {task["kind"] for task in (*records["tasks"], *tasks)}
    assert {mail.to for mail in mailbox.mails if "change-email" in mail.text} == {"free@example.com"}


async def test_a_former_address_is_told_of_a_deletion_too(
    verified: SignedIn, link: str, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    """A thief changes the address, and deletes the account before the notice of the change is sent."""
    await confirm_new(verified.client, link)
    mailbox.mails.clear()
    assert (await verified.post("/v1/users/me/delete", {"current_password": PASSWORD})).status_code == 204
    await run_queue()
    told = [(mail.to, mail.subject) for mail in mailbox.mails]
    assert sorted(told) == [(to, "Your account was deleted") for to in ("ann@example.com", NEW)]


async def test_an_address_that_was_taken_meanwhile_is_not_given_twice(
    verified: SignedIn, sign_in: SignIn, link: str
) -> None:
    bob = await sign_in(NEW)
    answer = await confirm_new(verified.client, link)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:problem:link-refused")
    assert await me(verified) == ("ann@example.com", True)
    assert (await me(bob))[0] == NEW


async def test_an_address_is_stored_as_at_registration(
    verified: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    assert (await ask(verified, " Ann@BÜCHER.example ")).status_code == 202
    await run_queue()
    assert (await confirm_new(verified.client, mailbox.token("change-email"))).status_code == 204
    assert (await me(verified))[0] == "ann@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "กขค@example.com", "a@x.com\r\nBcc: eve@example.com", "a@x.com,b@x.com", 1]
)
async def test_an_address_that_no_mail_reaches_is_refused(verified: SignedIn, email: object) -> None:
    answer = await verified.post("/v1/auth/email", {"email": email, "current_password": PASSWORD})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/email"


async def test_the_password_is_guessed_no_faster_than_at_a_login(
    verified: SignedIn, resources: Resources, accounts: AccountService
) -> None:
    set_up(resources, login_failures=3)
    answers = [(await ask(verified, password="wrong password")).json()["type"] for _ in range(4)]
    assert answers == ["urn:problem:wrong-password"] * 3 + ["urn:problem:login-locked"]
    assert (await verified.client.post("/v1/auth/email", json={})).status_code == 401


async def test_a_second_request_takes_the_place_of_the_first(
    verified: SignedIn, link: str, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await ask(verified, "second@example.com")
    await ask(verified, "third@example.com")
    await run_queue()
    assert (await confirm_new(verified.client, link)).status_code == 400
    assert (await confirm_new(verified.client, mailbox.token("change-email"))).status_code == 204
    assert (await me(verified))[0] == "third@example.com"
    assert "second@example.com" not in {mail.to for mail in mailbox.mails}


@pytest.mark.parametrize("mailed", [True, False])
@pytest.mark.parametrize("how", ["everywhere", "password", "reset", "disable"])
async def test_what_ends_sessions_ends_a_change_that_waits(
    verified: SignedIn, sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue, how: str, mailed: bool
) -> None:
    """The owner notices a thief who has requested a change in the owner's session."""
    thief, owner = await sign_in(), verified
    await ask(thief)
    if mailed:
        await run_queue()
    if how == "everywhere":
        await owner.delete("/v1/auth/sessions")
    elif how == "password":
        await owner.post("/v1/auth/password", {"current_password": PASSWORD, "new_password": OWNERS})
    elif how == "disable":
        root = await sign_in("root@example.com", role="admin")
        await root.post(f"/v1/users/{owner.user_id}/disable")
        await root.post(f"/v1/users/{owner.user_id}/enable")
    else:
        await owner.client.post("/v1/auth/password/forgot", json={"email": owner.email})
        # Run the thief's task as well: its link is sent before the password is set.
        await run_queue()
        body = {"token": mailbox.token(), "password": OWNERS}
        assert (await owner.client.post("/v1/auth/password/reset", json=body)).status_code == 204
    await run_queue()
    sent = [mail for mail in mailbox.mails if "/change-email#token=" in mail.text]
    assert len(sent) == (mailed or how == "reset")
    if sent:
        assert (await confirm_new(owner.client, mailbox.token("change-email"))).status_code == 400


async def test_the_former_address_takes_the_account_back(
    verified: SignedIn, undo: str, sign_in: SignIn, resources: Resources
) -> None:
    client = verified.client
    thief = (await log_in(client, NEW)).json()
    assert (await restore(client, undo)).status_code == 204
    for token in (verified.token, thief["access_token"]):
        assert (await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await log_in(client, NEW)).status_code == 401
    assert (await log_in(client, "ann@example.com")).status_code == 401
    owner = await log_in(client, "ann@example.com", OWNERS)
    assert owner.status_code == 200
    assert (await restore(client, undo)).status_code == 400
    actions = [event.action for event in await events(resources) if event.action.startswith("email.")]
    assert actions == ["email.change-requested", "email.changed", "email.restored"]


async def test_a_thief_who_changes_the_address_again_keeps_nothing(
    verified: SignedIn, undo: str, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    """Neither a second change, nor a new password, nor a link that went to the thief outlives the owner's link."""
    client = verified.client
    await ask(verified, "thief@example.com")
    await run_queue()
    assert (await confirm_new(client, mailbox.token("change-email"))).status_code == 204
    await run_queue()
    thiefs = mailbox.token("restore-email")
    assert thiefs != undo
    await client.post("/v1/auth/password/forgot", json={"email": "thief@example.com"})
    await verified.post("/v1/auth/password", {"current_password": PASSWORD, "new_password": THIEFS})
    await ask(verified, "fourth@example.com", THIEFS)
    await run_queue()
    reset, change = mailbox.token(), mailbox.token("change-email")
    assert (await restore(client, undo)).status_code == 204
    assert (await restore(client, thiefs)).status_code == 400
    assert (await confirm_new(client, change)).status_code == 400
    body = {"token": reset, "password": THIEFS}
    assert (await client.post("/v1/auth/password/reset", json=body)).status_code == 400
    assert (await log_in(client, "ann@example.com", OWNERS)).status_code == 200


async def test_a_former_address_is_nobody_elses_as_long_as_it_can_be_restored(
    verified: SignedIn, undo: str, sign_in: SignIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    new = {"email": verified.email, "password": PASSWORD, "name": "Eve"}
    taken = await verified.client.post("/v1/users", json=new)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:problem:email-taken")
    bob = await sign_in("bob@example.com")
    mailbox.mails.clear()
    await ask(bob, verified.email)
    await run_queue()
    assert verified.email not in {mail.to for mail in mailbox.mails}
    async with resources.database.unit_of_work() as work:
        late = MailedToken.expires_at - timedelta(days=8)
        await work.session.execute(update(MailedToken).values(expires_at=late))
    assert (await verified.client.post("/v1/users", json=new)).status_code == 201


async def test_a_link_to_an_address_that_was_reserved_meanwhile_is_refused(
    verified: SignedIn, undo: str, sign_in: SignIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    bob = await sign_in("bob@example.com")
    await ask(bob, "other@example.com")
    await run_queue()
    async with resources.database.unit_of_work() as work:
        query = update(MailedToken).where(MailedToken.purpose == Purpose.CHANGE_EMAIL)
        await work.session.execute(query.values(email=verified.email))
    assert (await confirm_new(bob.client, mailbox.token("change-email"))).status_code == 400


async def test_no_row_holds_a_token(undo: str, link: str, resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        tasks = (await work.session.execute(select(Task).options(undefer(Task.payload)))).scalars().all()
        digests = (await work.session.execute(select(MailedToken.digest))).scalars().all()
    for token in (undo, link):
        assert not any(token in str((task.payload, task.result)) for task in tasks)
        assert not any(token.encode() in digest or bytes(digest).hex() == token for digest in digests)


async def test_the_notice_is_sent_without_a_link_that_leads_nowhere(
    verified: SignedIn, link: str, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await confirm_new(verified.client, link)
    before = resources.settings
    resources.settings = before.model_copy(update={"environment": Environment.PRODUCTION})
    try:
        await run_queue()
    finally:
        resources.settings = before
    assert mailbox.mails[-1].subject == NOTICE
    assert "#token=" not in mailbox.mails[-1].text


async def test_changes_are_limited(verified: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> None:
    answers = [(await ask(verified, f"victim{number}@example.com")).status_code for number in range(12)]
    assert answers == [202] * 10 + [429] * 2


async def test_a_deleted_account_keeps_no_former_address(
    verified: SignedIn, undo: str, sign_in: SignIn, resources: Resources
) -> None:
    await verified.post("/v1/users/me/delete", {"current_password": PASSWORD})
    assert (await restore(verified.client, undo)).status_code == 400
    assert (await sign_in("ann@example.com")).user_id != verified.user_id


async def test_the_reservation_is_found_by_its_index(resources: Resources) -> None:
    query = "EXPLAIN SELECT 1 FROM mailed_tokens WHERE email = 'a' AND mailed_tokens.purpose = 'restore-email'"
    async with resources.database.engine.connect() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join((await connection.scalars(text(query))).all())
    assert "ix_mailed_tokens_reserved" in plan


async def test_users_who_are_gone_get_no_link(
    verified: SignedIn, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await ask(verified)
    async with resources.database.unit_of_work() as work:
        await work.session.execute(text("DELETE FROM users"))
    await run_queue()
    assert mailbox.mails == []
    async with resources.database.unit_of_work() as work:
        assert (await work.session.execute(select(User))).first() is None
