"""`app users`: accounts from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from app.accounts.administration import grant, save_user
from app.kit.database import Database
from app.kit.problems import NotFound
from app.settings import Settings

_Result = TypeVar("_Result")

commands = typer.Typer(name="users", help="Create users and give them roles.", no_args_is_help=True)

_Email = Annotated[str, typer.Argument(help="The user's e-mail address.")]
_Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="USER_PASSWORD", help="At least 10 characters.")
]


@commands.command()
def create(email: _Email, password: _Password, name: str = "Administrator", admin: bool = False) -> None:
    """Create a user, or set the password of an existing one."""
    if len(password) < 10:
        raise typer.BadParameter("a password has at least 10 characters")
    roles = ["admin"] if admin else []
    created = _on_database(lambda database: save_user(database, email, password, name, roles))
    typer.echo(f"{'created' if created else 'new password for'} {email}")


@commands.command()
def role(email: _Email, role: Annotated[str, typer.Argument(help="Such as admin.")]) -> None:
    """Give a user a role. It holds from the user's next login, or at most five minutes later."""

    async def give(database: Database) -> None:
        async with database.unit_of_work() as work:
            await grant(work, email, role)

    try:
        _on_database(give)
    except NotFound:
        raise typer.BadParameter(f"no user has the address {email}") from None
    typer.echo(f"{email} has the role {role}")


def _on_database(action: Callable[[Database], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        database = Database(Settings.load())
        try:
            return await action(database)
        finally:
            await database.close()

    return asyncio.run(run())
