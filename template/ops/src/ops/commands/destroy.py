"""`ops destroy`."""

from typing import Annotated

import typer

from ops.destroy.environment import Choice, destroy_environment

app = typer.Typer()


@app.command()
def destroy(
    environment: Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="An environment, or bootstrap.")],
    *,
    service: Annotated[bool, typer.Option("--service", help="Destroy the service only.")] = False,
    delete_backups: Annotated[bool, typer.Option("--delete-backups", help="Delete the backups in vaults too.")] = False,
    never_deployed: Annotated[
        bool, typer.Option("--never-deployed", help="The cluster has no Ingress of this service.")
    ] = False,
    yes: Annotated[
        str | None, typer.Option(metavar="NAME", help="Confirm with the name, <service>-<environment>.")
    ] = None,
) -> None:
    """Destroy an environment: the service, then the platform where this project has one.

    `ops destroy bootstrap` destroys GitHub's roles and the state bucket, once nothing else is left. Resources that are
    locked against deletion stay: they are removed from the state and listed at the end.
    """
    destroy_environment(environment, Choice(service, delete_backups, never_deployed), yes)
