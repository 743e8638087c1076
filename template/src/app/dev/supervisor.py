"""`app dev`: services, API and worker in one command, reloaded on change, all gone after Ctrl-C."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import typer

from app.dev.services import Addresses, free_port, running_services
from app.features import discover
from app.kit.configuration import project_root
from app.kit.resources import open_resources
from app.migrations.heads import upgrade
from app.settings import Settings

# A child finishes its requests and jobs within this; then it is killed.
_STOP_SECONDS = 10


def run(port: int, directory: Path | None = None) -> None:
    """Run everything until Ctrl-C or SIGTERM. Data stays in `directory`. Raises ServicesError."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    directory = directory or project_root() / ".dev"
    with running_services(directory, "app", durable=True) as addresses:
        environment = _environment(addresses, port)
        os.environ.update(environment)
        settings = Settings.load()
        upgrade(settings)
        _announce(settings, asyncio.run(_seed(settings, _password(directory))), directory)
        _serve_until(stopping, environment)
    typer.echo("stopped")


def _environment(addresses: Addresses, port: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "PORT": str(port),
        "PUBLIC_URL": url,
        "WORKER_PORT": str(free_port()),
        "JOB_COMPLETION_WAIT": "5",
    }


async def _seed(settings: Settings, password: str) -> list[str]:
    features = discover()
    async with open_resources(settings, features) as resources:
        return [line for feature in features if feature.seed for line in await feature.seed(resources, password)]


def _password(directory: Path) -> str:
    """The seeded user's password: made once, kept with the data."""
    file = directory / "password"
    if not file.exists():
        file.write_text(secrets.token_urlsafe(12))
    return file.read_text().strip()


def _announce(settings: Settings, seeded: Sequence[str], directory: Path) -> None:
    lines = [
        f"api       {settings.public_url}{settings.route_prefix}/health/",
        f"openapi   {settings.public_url}/openapi.json",
        f"metrics   {settings.public_url}/metrics, worker http://127.0.0.1:{settings.worker_port}/metrics",
        f"database  {settings.database_address()}",
        f"redis     {settings.redis_address()}",
        *seeded,
        f"data      {directory}; Ctrl-C stops everything",
    ]
    for line in lines:
        typer.echo(line)
    sys.stdout.flush()


def _serve_until(stopping: threading.Event, environment: Mapping[str, str]) -> None:
    # Imported here: the image has no file watcher.
    import watchfiles

    children = _start(environment)
    try:
        source = Path(__file__).parents[1]
        for changes in watchfiles.watch(source, stop_event=stopping, rust_timeout=500, yield_on_timeout=True):
            if stopping.is_set():
                break
            died = any(child.poll() is not None for child in children)
            if changes or died:
                typer.echo("restarting: " + (f"{len(changes)} files changed" if changes else "a process ended"))
                # A process that dies at once would otherwise be started twice a second.
                stopping.wait(0 if changes else 2)
                _stop(children)
                children = _start(environment)
    finally:
        _stop(children)


def _start(environment: Mapping[str, str]) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "app.dev.child", half],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            # Ctrl-C reaches the supervisor alone, which stops the children in order.
            start_new_session=True,
        )
        for half in ("api", "worker")
    ]


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin:
            child.stdin.close()
