"""`app users`."""

import pytest
from typer.testing import CliRunner, Result

from app.accounts.commands import commands

pytestmark = pytest.mark.usefixtures("resources")


def users(*arguments: str, password: str = "correct horse battery staple") -> Result:
    return CliRunner().invoke(commands, arguments, env={"USER_PASSWORD": password})


def test_a_user_is_created_once_and_then_given_a_new_password() -> None:
    assert users("create", "Root@example.com", "--admin").stdout == "created Root@example.com\n"
    assert users("create", "root@example.com").stdout == "new password for root@example.com\n"


def test_a_short_password_is_refused() -> None:
    done = users("create", "root@example.com", password="short")
    assert done.exit_code == 2
    assert "at least 10 characters" in done.output


def test_a_role_is_given_to_an_existing_user() -> None:
    users("create", "ann@example.com")
    assert users("role", "ann@example.com", "admin").stdout == "ann@example.com has the role admin\n"
    unknown = users("role", "bob@example.com", "admin")
    assert unknown.exit_code == 2
    assert "no user has the address" in unknown.output
