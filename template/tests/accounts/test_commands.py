"""`app users`."""

import asyncio

import pytest
from typer.testing import CliRunner, Result

from app.accounts.commands import commands
from app.audit.repository import AuditFilter, AuditRepository
from app.composition import Resources
from tests.identity import SignIn

pytestmark = pytest.mark.usefixtures("resources")


def users(*arguments: str, password: str = "correct horse battery staple") -> Result:
    return CliRunner().invoke(commands, arguments, env={"USER_PASSWORD": password})


def test_a_user_is_created_once_and_then_given_a_new_password() -> None:
    assert users("create", "Root@example.com").stdout == "Root@example.com: created\n"
    said = "root@example.com: existed: new password set, sessions ended, roles unchanged\n"
    assert users("create", "root@example.com").stdout == said


def test_creating_an_administrator_says_what_became_of_the_role() -> None:
    said = [users("create", "root@example.com", "--admin").stdout for _ in range(2)]
    users("create", "ann@example.com")
    said.append(users("create", "ann@example.com", "--admin").stdout)
    assert [line.partition(": ")[2] for line in said] == [
        "created, with the role admin\n",
        "existed: new password set, sessions ended; had the role admin before\n",
        "existed: new password set, sessions ended, role admin given\n",
    ]
    assert users("list", "ann").stdout.split("\t")[2] == "admin"


def test_a_short_password_is_refused() -> None:
    done = users("create", "root@example.com", password="short")
    assert done.exit_code == 2
    assert "10 to 128 characters" in done.output


def test_a_role_is_given_to_an_existing_user() -> None:
    users("create", "ann@example.com")
    assert users("role", "ann@example.com", "admin").stdout == "ann@example.com has the role admin\n"
    unknown = users("role", "bob@example.com", "admin")
    assert unknown.exit_code == 2
    assert "no user has the address" in unknown.output


def test_an_address_that_no_mail_reaches_is_refused() -> None:
    done = users("create", "กขค@example.com")
    assert done.exit_code == 2
    assert "not an address that mail reaches" in done.output


def test_a_role_is_taken() -> None:
    users("create", "ann@example.com", "--admin")
    assert (
        users("role", "ann@example.com", "admin", "--take").stdout == "ann@example.com no longer has the role admin\n"
    )
    assert "\t-\t" in users("list").stdout


def test_users_are_listed_with_their_roles_and_state() -> None:
    users("create", "ann@example.com", "--admin")
    users("create", "bob@example.com")
    users("disable", "bob@example.com")
    lines = [line.split("\t")[1:] for line in users("list").stdout.splitlines()]
    assert lines == [["bob@example.com", "-", "disabled"], ["ann@example.com", "admin", "verified"]]
    assert users("disable", "bob@example.com", "--undo").stdout == "bob@example.com is enabled\n"
    assert "disabled" not in users("list", "bob").stdout


async def test_what_a_command_does_holds_in_open_sessions(sign_in: SignIn) -> None:
    ann, bob = await sign_in("ann@example.com"), await sign_in("bob@example.com")
    await asyncio.to_thread(users, "role", ann.email, "admin")
    assert (await ann.get("/v1/users/me")).json()["roles"] == ["admin"]
    assert (await ann.get("/v1/users")).status_code == 200
    await asyncio.to_thread(users, "disable", ann.email)
    await asyncio.to_thread(users, "create", bob.email)
    assert (await ann.get("/v1/users/me")).status_code == 401
    assert (await bob.get("/v1/users/me")).status_code == 401


async def test_commands_are_in_the_audit_log(resources: Resources) -> None:
    for arguments in (
        ("create", "ann@example.com"),
        ("role", "ann@example.com", "admin"),
        ("disable", "ann@example.com"),
    ):
        await asyncio.to_thread(users, *arguments)
    async with resources.database.unit_of_work() as work:
        events = await AuditRepository(work.session).page(AuditFilter(), None, 10)
    assert {event.address for event in events} == {"command line"}
    assert {"user.registered", "roles.changed", "user.disabled"} <= {event.action for event in events}
