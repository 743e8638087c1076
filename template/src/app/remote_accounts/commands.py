"""`app users`: the data that this service stores about users of another service, by user id."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from app.composition import discover, open_resources
from app.kit import personal_data
from app.settings import Settings

commands = typer.Typer(name="users", help="Export or erase what is stored about a user.", no_args_is_help=True)

_UserId = Annotated[UUID, typer.Argument(help="The user's id: `sub` of an access token.")]


@commands.command()
def export(user_id: _UserId) -> None:
    """Print everything that is stored about a user, as JSON."""
    asyncio.run(_export(user_id))


@commands.command()
def erase(
    user_id: _UserId,
    yes: Annotated[bool, typer.Option("--yes", prompt="Remove all rows of the user?", help="Do not ask.")] = False,
) -> None:
    """Remove everything that is stored about a user whose account was deleted in the other service."""
    if not yes:
        raise typer.Abort
    typer.echo(f"rows removed: {asyncio.run(_erase(user_id))}")


async def _export(user_id: UUID) -> None:
    async with open_resources(Settings.load(), discover()) as resources:
        async for piece in personal_data.export(resources.database, resources.personal_data, user_id):
            typer.echo(piece, nl=False)


async def _erase(user_id: UUID) -> int:
    async with open_resources(Settings.load(), discover()) as resources:
        return await personal_data.erase(resources.database, resources.personal_data, user_id)
