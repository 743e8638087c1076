"""`app users`: accounts from the command line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from app.accounts.addresses import deliverable
from app.accounts.administration import service as administration
from app.accounts.models import User
from app.accounts.personal_data import service as personal_data
from app.accounts.repository import AccountRepository
from app.accounts.service import accounts_of
from app.audit.log import OPERATOR
from app.composition import Resources, discover, open_resources
from app.kit.problems import NotFound
from app.settings import Settings

_Result = TypeVar("_Result")

_HELP = "Create users, give them roles, disable, list, export and delete them."
commands = typer.Typer(name="users", help=_HELP, no_args_is_help=True)

_Email = Annotated[str, typer.Argument(help="The user's email address.")]
_Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="USER_PASSWORD", help="10 to 128 characters.")
]


@commands.command()
def create(email: _Email, password: _Password, name: str = "Administrator", admin: bool = False) -> None:
    """Create a user, or set the password of an existing one and end its sessions; --admin makes it an administrator."""
    if not 10 <= len(password) <= 128:
        raise typer.BadParameter("a password has 10 to 128 characters")
    try:
        deliverable(email)
    except ValueError as error:
        raise typer.BadParameter(f"{email} is not an address that mail reaches: {error}") from None

    async def save(resources: Resources) -> administration.Saved:
        return await administration.save_user(accounts_of(resources), email, password, name, admin=admin)

    typer.echo(f"{email}: {_run(save)}")


@commands.command()
def role(email: _Email, role: Annotated[str, typer.Argument(help="Such as admin.")], take: bool = False) -> None:
    """Give a user a role, or remove it. The change applies at once, also to open sessions."""

    async def change(resources: Resources) -> None:
        async with resources.database.unit_of_work() as work:
            user = await administration.lock_user_of(work, email)
            roles = {*user.roles} - {role} if take else {*user.roles, role}
            await administration.set_roles(accounts_of(resources), work, OPERATOR, user.id, roles)

    _run_on_user(email, change)
    typer.echo(f"{email} {'no longer has' if take else 'has'} the role {role}")


@commands.command()
def disable(
    email: _Email, undo: Annotated[bool, typer.Option("--undo", help="Enable the account again.")] = False
) -> None:
    """Disable an account and end its sessions."""

    async def change(resources: Resources) -> None:
        async with resources.database.unit_of_work() as work:
            user = await administration.lock_user_of(work, email)
            if undo:
                await administration.enable(accounts_of(resources), work, OPERATOR, user.id)
            else:
                await administration.disable(accounts_of(resources), work, OPERATOR, user.id)

    _run_on_user(email, change)
    typer.echo(f"{email} is {'enabled' if undo else 'disabled'}")


@commands.command()
def export(email: _Email) -> None:
    """Print everything that is stored about a user, as JSON."""

    async def read(resources: Resources) -> None:
        async with resources.database.unit_of_work() as work:
            user = await administration.lock_user_of(work, email)
            document = personal_data.export(resources, work, OPERATOR, user.id)
        async for piece in document:
            typer.echo(piece, nl=False)

    _run_on_user(email, read)


@commands.command()
def delete(
    email: _Email,
    yes: Annotated[bool, typer.Option("--yes", prompt="Delete the account for good?", help="Do not ask.")] = False,
) -> None:
    """Delete an account for good. The worker then removes what the user owned."""
    if not yes:
        raise typer.Abort

    async def remove(resources: Resources) -> None:
        async with resources.database.unit_of_work() as work:
            await personal_data.delete(resources, work, OPERATOR, await administration.lock_user_of(work, email))

    _run_on_user(email, remove)
    typer.echo(f"{email} is deleted")


@commands.command("list")
def list_users(
    prefix: Annotated[str, typer.Argument(help="The start of the email address.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of users, newest first.")] = 100,
) -> None:
    """List users: id, email address, roles and state, separated by tabs."""

    async def read(resources: Resources) -> list[User]:
        async with resources.database.unit_of_work() as work:
            return list(await AccountRepository(work.session).users(prefix.lower(), None, limit))[:limit]

    for user in _run(read):
        state = "disabled" if user.disabled_at else "verified" if user.email_verified_at else "unverified"
        typer.echo("\t".join((str(user.id), user.email, ",".join(user.roles) or "-", state)))


def _run_on_user(email: str, action: Callable[[Resources], Awaitable[None]]) -> None:
    try:
        _run(action)
    except NotFound:
        raise typer.BadParameter(f"no user has the address {email}") from None


def _run(action: Callable[[Resources], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        async with open_resources(Settings.load(), discover()) as resources:
            return await action(resources)

    return asyncio.run(run())
