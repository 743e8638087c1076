"""The command line: one entry for people, containers and workflows."""

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.composition import feature_packages
from app.kit.configuration import ConfigurationError
from app.kit.problems import Unavailable
from app.migrations.failure import MigrationError
from app.settings import Settings

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)


@cli.command()
def dev(
    port: Annotated[int, typer.Option(help="Port of the API on 127.0.0.1.")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder in which the data is kept.")] = None,
    observe: Annotated[bool, typer.Option("--observe", help="Also serve a page that shows the metrics.")] = False,
) -> None:
    """Run everything on this machine: API, worker, PostgreSQL and Valkey."""
    from app.dev.services import ServicesError
    from app.dev.supervisor import run

    try:
        run(port, data, observe=observe)
    except ServicesError as error:
        _refuse(str(error))


@cli.command()
def api(host: str = "0.0.0.0", port: int = 8000) -> None:  # noqa: S104  the pod's own address
    """Serve the API."""
    from app.server import run_api

    run_api(host, port)


@cli.command()
def worker(host: str = "0.0.0.0") -> None:  # noqa: S104  the pod's own address
    """Run queued tasks and cron jobs."""
    from app.worker import run_worker

    run_worker(host)


@cli.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="Target of the upgrade.")] = "heads",
    forget: Annotated[
        list[str] | None, typer.Option(help="Revision of a removed feature, to remove it from the record.")
    ] = None,
) -> None:
    """Apply the migrations of all features."""
    from app.migrations.runner import upgrade

    upgrade(Settings.load(), revision, forget=forget or ())
    typer.echo("the database is up to date" if revision == "heads" else f"the database is at {revision}")


@cli.command()
def revision(
    feature: Annotated[str, typer.Argument(help="Name of the feature, which is its folder.")],
    message: Annotated[str, typer.Argument(help='What it changes, such as "Add a colour".')],
) -> None:
    """Create a migration of a feature from the difference between its models and the database."""
    from app.migrations.runner import write_revision

    write_revision(Settings.load(), feature, message)


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def alembic(context: typer.Context) -> None:
    """Run Alembic's commands, such as history, merge and downgrade, on the migrations of all features."""
    from app.migrations.runner import run_alembic

    run_alembic(context.args)


@cli.command()
def database_roles() -> None:
    """Create or correct the database's roles, with the login of its master."""
    from app.migrations.roles import RoleSettings, ensure_roles

    for line in asyncio.run(ensure_roles(Settings.load(), RoleSettings.load())) or ["the roles are in order"]:
        typer.echo(line)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.main import create_app

    typer.echo(json.dumps(create_app().openapi(), indent=2))


@cli.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Check only the settings, without connections.")] = False,
) -> None:
    """Check settings, PostgreSQL and Redis. Print one line per fault, with the remedy."""
    from app.doctor import link_faults, part_faults, setting_faults

    faults = setting_faults()
    if not faults:
        settings = Settings.load()
        faults = link_faults(settings) + ([] if offline else part_faults(settings))
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo("settings are sound" if offline else "settings are sound, PostgreSQL and Redis answer")


def main() -> None:
    """Run a command. Wrong settings and an unreachable database are reported in one line each."""
    _add_feature_commands()
    try:
        cli()
    except (ConfigurationError, MigrationError) as error:
        _refuse(str(error))
    except Unavailable:
        _refuse("PostgreSQL or Redis does not answer. Run `app dev`, or set DATABASE_URL and REDIS_URL")


def _add_feature_commands() -> None:
    root = Path(__file__).parent
    for name in feature_packages():
        if (root / name / "commands.py").exists():
            cli.add_typer(importlib.import_module(f"app.{name}.commands").commands)


def _refuse(message: str) -> None:
    typer.echo(message, err=True)
    sys.exit(1)
