"""`ops drill`: drills that measure the promises of the runbooks.

Both run where the database can be reached, which is inside its network.
"""

from datetime import datetime
from typing import Annotated

import typer

from ops import options, project
from ops.errors import OpsError

app = typer.Typer()
drill = typer.Typer(no_args_is_help=True, help="Measure a failover or a restore of the database.")
app.add_typer(drill, name="drill")
DatabaseUrl = Annotated[
    str,
    typer.Option(
        envvar="DATABASE_URL",
        metavar="URL",
        help="postgresql://migrations:…@host:5432/app?sslmode=…, of the role migrations.",
    ),
]


@drill.command()
def failover(
    environment: options.EnvironmentName,
    *,
    yes: Annotated[str, typer.Option(metavar="NAME", help="The database whose users will notice.")],
    database_url: DatabaseUrl = "",
) -> None:
    """Write one row a second, reboot with failover, and measure how long writes failed and how many rows were lost.

    Fails when writes were refused for 5 minutes (RTO), or when acknowledged rows of a minute are gone (RPO).
    docs/runbooks/failover.md explains when and how to run it.
    """
    # Imported here, so that the other commands work without the database driver, a dependency of the service.
    from ops.drills.failover import run

    facts = project.facts(project.find())
    if not run(facts, environment, yes, _url(database_url)).held:
        raise typer.Exit(1)


@drill.command()
def restore(
    environment: options.EnvironmentName,
    *,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="Such as 2026-11-22T10:00:00+00:00; default: the latest."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the new instance.")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Restore the database into a new instance, compare the rows of each table, and print the duration.

    The new instance runs beside the old one, costs as much, and is deleted at the end unless --keep is given.
    docs/runbooks/restore.md explains when and how to run it.
    """
    from ops.drills.restore import run

    facts = project.facts(project.find())
    if run(facts, environment, _url(database_url), at, keep=keep):
        raise typer.Exit(1)


def _url(given: str) -> str:
    if not given:
        raise OpsError("DATABASE_URL is empty: give the URL of the role `migrations`")
    return given
