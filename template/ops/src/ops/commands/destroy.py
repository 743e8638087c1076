"""`ops destroy`."""

from typing import Annotated

import typer

from ops.destroy.environment import Choice, destroy_environment

app = typer.Typer()


@app.command()
def destroy(
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="An environment, or bootstrap.")],
    *,
    service: Annotated[bool, typer.Option("--service", help="Leave the platform.")] = False,
    delete_backups: Annotated[bool, typer.Option("--delete-backups", help="Delete the backups in vaults too.")] = False,
    never_deployed: Annotated[
        bool, typer.Option("--never-deployed", help="The cluster has no Ingress of this service.")
    ] = False,
    yes: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name that is asked for, <service>-<environment>.")
    ] = None,
) -> None:
    """Destroy an environment: the service, then the platform where this project has one.

    `ops destroy bootstrap` destroys GitHub's roles and the bucket of the states, when nothing else is left. What is
    locked against deletion stays, is removed from the state, and is named at the end.
    """
    destroy_environment(environment, Choice(service, delete_backups, never_deployed), yes)
