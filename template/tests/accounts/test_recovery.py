"""Confirmed addresses and new passwords."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import undefer

from app.accounts.models import MailedToken
from app.accounts.service import AccountService
from app.composition import Resources
from app.kit.configuration import Environment
from app.kit.mail import Mail
from app.tasks.mail import MOST_AN_HOUR
from app.tasks.models import Task
from tests.accounts.fixtures import PASSWORD, Mailbox, log_in, set_up
from tests.conftest import RunQueue
from tests.identity import Confirm, SignedIn, SignIn

NEW = "another long password"


@pytest.fixture
def sign_in(register: SignIn) -> SignIn:
    """Sign in by requests, because these tests check the effects of a registration."""
    return register


async def forget(client: httpx.AsyncClient, email: str = "ann@example.com") -> httpx.Response:
    return await client.post("/v1/auth/password/forgot", json={"email": email})


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.post("/v1/auth/password/reset", json={"token": token, "password": password})


async def verify(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/verify-email", json={"token": token})


@pytest.fixture
async def reset_token(ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> str:
    """The token of Ann's mail."""
    await run_queue()
    await forget(ann.client)
    await run_queue()
    return mailbox.token()


async def test_the_welcome_mail_confirms_the_address_once(ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue) -> None:
    await run_queue()
    assert [mail.subject for mail in mailbox.mails] == ["Welcome"]
    assert "/v1/auth/pages/verify-email#token=" in mailbox.mails[0].text
    assert (await verify(ann.client, mailbox.token("verify-email"))).status_code == 204
    assert (await ann.get("/v1/users/me")).json()["email_verified"] is True
    again = await verify(ann.client, mailbox.token("verify-email"))
    assert again.status_code == 400
    assert again.json()["type"] == "urn:problem:link-refused"


async def test_a_link_is_mailed_again_until_the_address_is_confirmed(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    answer = await ann.client.post("/v1/auth/verify-email/resend", json={"email": ann.email})
    assert (answer.status_code, answer.content) == (202, b"")
    await run_queue()
    assert len(mailbox.mails) == 2
    assert "Confirm your email address" in {mail.subject for mail in mailbox.mails}
    await verify(ann.client, mailbox.token("verify-email"))
    await ann.client.post("/v1/auth/verify-email/resend", json={"email": ann.email})
    await run_queue()
    assert len(mailbox.mails) == 2


async def test_an_unconfirmed_address_may_be_refused_but_only_to_who_knows_the_password(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue, resources: Resources, accounts: AccountService
) -> None:
    assert (await log_in(ann.client, ann.email)).status_code == 200
    set_up(resources, require_verified_email=True)
    right, wrong = await log_in(ann.client, ann.email), await log_in(ann.client, ann.email, "wrong password")
    assert (right.status_code, right.json()["type"]) == (403, "urn:problem:email-unverified")
    assert (wrong.status_code, wrong.json()["type"]) == (401, "urn:problem:wrong-credentials")
    await run_queue()
    await verify(ann.client, mailbox.token("verify-email"))
    assert (await log_in(ann.client, ann.email)).status_code == 200


async def test_a_link_that_went_to_another_address_confirms_nothing(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue, resources: Resources
) -> None:
    await run_queue()
    async with resources.database.unit_of_work() as work:
        await work.session.execute(update(MailedToken).values(email="old@example.com"))
    assert (await verify(ann.client, mailbox.token("verify-email"))).status_code == 400
    assert (await ann.get("/v1/users/me")).json()["email_verified"] is False


async def test_a_forgotten_password_is_set_anew_by_mail(
    client: httpx.AsyncClient, reset_token: str, ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    assert (await reset(client, reset_token)).status_code == 204
    assert (await log_in(client, ann.email)).status_code == 401
    assert (await log_in(client, ann.email, NEW)).status_code == 200
    await run_queue()
    assert mailbox.mails[-1].subject == "Your password was changed"
    assert "127.0.0.1" in mailbox.mails[-1].text


async def test_a_new_password_ends_all_sessions_and_other_links(
    client: httpx.AsyncClient, reset_token: str, ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await forget(client)
    await run_queue()
    second = mailbox.token()
    assert second != reset_token
    await reset(client, second)
    assert (await ann.get("/v1/users/me")).status_code == 401
    assert (await reset(client, reset_token)).status_code == 400
    assert (await reset(client, second)).status_code == 400


async def test_a_link_ends_with_its_time(client: httpx.AsyncClient, reset_token: str, resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        earlier = MailedToken.expires_at - timedelta(hours=1, seconds=1)
        await work.session.execute(update(MailedToken).values(expires_at=earlier))
    assert (await reset(client, reset_token)).status_code == 400


async def test_a_token_is_good_for_its_purpose_alone(client: httpx.AsyncClient, reset_token: str) -> None:
    assert (await verify(client, reset_token)).status_code == 400
    assert (await reset(client, reset_token)).status_code == 204


async def test_a_short_password_leaves_the_link_standing(client: httpx.AsyncClient, reset_token: str) -> None:
    assert (await reset(client, reset_token, "short")).status_code == 422
    assert (await reset(client, reset_token)).status_code == 204


async def test_a_reset_proves_the_address(client: httpx.AsyncClient, reset_token: str, sign_in: SignIn) -> None:
    await reset(client, reset_token)
    ann = (await log_in(client, "ann@example.com", NEW)).json()
    me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {ann['access_token']}"})
    assert me.json()["email_verified"] is True


@pytest.mark.parametrize("path", ["/v1/auth/password/forgot", "/v1/auth/verify-email/resend"])
async def test_known_and_unknown_addresses_are_answered_alike_for_the_same_work(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue, resources: Resources, path: str
) -> None:
    await run_queue()
    sent = len(mailbox.mails)
    answers = [await ann.client.post(path, json={"email": email}) for email in (ann.email, "nobody@example.com")]
    assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    assert set(answers[0].headers) == set(answers[1].headers)
    async with resources.database.unit_of_work() as work:
        waiting = (await work.session.execute(select(Task.kind).where(Task.status == "queued"))).scalars().all()
    assert len(waiting) == 2
    assert len(set(waiting)) == 1
    await run_queue()
    assert len(mailbox.mails) == sent + 1


async def test_no_row_holds_a_token(reset_token: str, resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        tasks = (await work.session.execute(select(Task).options(undefer(Task.payload)))).scalars().all()
        tokens = (await work.session.execute(select(MailedToken))).scalars().all()
    assert not any(reset_token in str((task.payload, task.result)) for task in tasks)
    assert not any(reset_token.encode() in token.digest for token in tokens)


async def test_nobody_fills_anothers_mailbox(
    client: httpx.AsyncClient, ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    for _ in range(MOST_AN_HOUR + 3):
        await forget(client)
    await run_queue()
    assert [mail.subject for mail in mailbox.mails].count("Set a new password") == MOST_AN_HOUR


async def test_a_plus_sign_makes_no_other_mailbox(sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue) -> None:
    for number in range(MOST_AN_HOUR + 1):
        await sign_in(f"ann+{number}@example.com")
    await sign_in("+@example.com")
    await run_queue()
    assert sorted(mail.to[:3] for mail in mailbox.mails) == ["+@e"] + ["ann"] * MOST_AN_HOUR


async def test_an_unconfirmed_address_is_notified_of_nothing(
    ann: SignedIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204
    await run_queue()
    assert [mail.subject for mail in mailbox.mails] == ["Welcome"]


async def test_no_more_than_three_notices_an_hour_reach_an_address(
    ann: SignedIn, confirm: Confirm, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await confirm(ann)
    current = PASSWORD
    for number in range(MOST_AN_HOUR + 2):
        body = {"current_password": current, "new_password": f"a new password {number}"}
        assert (await ann.post("/v1/auth/password", body)).status_code == 204
        current = body["new_password"]
    await run_queue()
    assert [mail.subject for mail in mailbox.mails].count("Your password was changed") == MOST_AN_HOUR


async def test_no_transaction_waits_for_the_mail_server(
    ann: SignedIn, resources: Resources, run_queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a silent mail server would keep the user's row locked, and block logins, until its time-out."""
    busy: list[int] = []

    class Silent:
        async def send(self, _mail: Mail) -> None:
            query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            mine = " AND datname = current_database()"
            (row,) = await resources.database.read(text(query + mine))
            busy.append(row["count"])

    monkeypatch.setattr(resources, "mailer", Silent())
    await run_queue()  # one task at a time: the transaction of another one would be counted
    await forget(ann.client)
    await run_queue()
    assert busy == [0, 0]


async def test_a_link_that_leads_nowhere_is_refused_with_the_reason(
    ann: SignedIn, confirm: Confirm, resources: Resources, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    await confirm(ann)
    before = resources.settings
    resources.settings = before.model_copy(update={"environment": Environment.PRODUCTION})
    try:
        await forget(ann.client)
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert (await ann.post("/v1/auth/password", body)).status_code == 204
        await run_queue()
    finally:
        resources.settings = before
    # The notice is useful without the link, but the link is not useful without the notice.
    assert [(mail.subject, "127.0.0.1:8000" in mail.text) for mail in mailbox.mails] == [
        ("Your password was changed", False)
    ]
    async with resources.database.unit_of_work() as work:
        query = select(Task.status, Task.attempts, Task.problem).where(Task.kind == "accounts.reset-password")
        (task,) = (await work.session.execute(query)).all()
    assert (task.status, task.attempts) == ("failed", 1)
    assert "PUBLIC_URL" in task.problem["detail"]


async def test_a_disabled_user_is_mailed_nothing_and_resets_nothing(
    reset_token: str, sign_in: SignIn, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    root = await sign_in("root@example.com", role="admin")
    ann = (await root.get("/v1/users?email=ann")).json()["items"][0]["id"]
    await root.post(f"/v1/users/{ann}/disable")
    assert (await reset(root.client, reset_token)).status_code == 400
    await run_queue()
    sent = len(mailbox.mails)
    await forget(root.client)
    await run_queue()
    assert len(mailbox.mails) == sent


async def test_a_password_is_changed_with_the_current_one_and_this_session_stays(
    sign_in: SignIn, confirm: Confirm, mailbox: Mailbox, run_queue: RunQueue
) -> None:
    other, ann = await sign_in(), await sign_in()
    await confirm(ann)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204
    assert (await ann.get("/v1/users/me")).status_code == 200
    assert (await other.get("/v1/users/me")).status_code == 401
    assert (await log_in(ann.client, ann.email, NEW)).status_code == 200
    await run_queue()
    assert "Your password was changed" in {mail.subject for mail in mailbox.mails}


async def test_a_wrong_current_password_changes_nothing(ann: SignedIn) -> None:
    answer = await ann.post("/v1/auth/password", {"current_password": "wrong password", "new_password": NEW})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem:wrong-password")
    assert (await log_in(ann.client, ann.email)).status_code == 200
    assert (await ann.client.post("/v1/auth/password", json={})).status_code == 401


async def test_changes_of_a_password_leave_mailed_links_good(
    client: httpx.AsyncClient, reset_token: str, ann: SignedIn
) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204
    body = {"current_password": NEW, "new_password": "the password of a thief"}
    assert (await ann.post("/v1/auth/password", body)).status_code == 204
    assert (await reset(client, reset_token, "a password of the owner")).status_code == 204
    assert (await ann.get("/v1/users/me")).status_code == 401
