"""`app dev`: run services, API and worker, reload them on changes, and stop them on Ctrl-C."""

import asyncio
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import FrameType

import typer

from app.composition import discover, open_resources
from app.dev.services import Addresses, ServicesError, free_port, published, revive, running_services
from app.kit.configuration import dev_directory, project_root
from app.migrations.failure import MigrationError
from app.migrations.runner import upgrade
from app.settings import Settings

# Seconds for a child to finish its requests and jobs before it is killed.
_STOP_SECONDS = 10
# Seconds to wait for the port: the API of an earlier run that was just killed may not have exited yet.
_PORT_SECONDS = 5
# Seconds between attempts to migrate, and so the time until a repaired database is noticed.
_RETRY_SECONDS = 2


def run(port: int, directory: Path | None = None, *, observe: bool = False) -> None:
    """Run everything until Ctrl-C or SIGTERM. Data stays in `directory`. Raises ServicesError.

    With `observe`, serve a page that shows the metrics of API and worker.
    """
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    directory = (directory or dev_directory()).resolve()
    # This process and its children must not read the addresses of another run.
    os.environ["DEV_DATA"] = str(directory)
    given = Settings.load()
    services = running_services(
        directory, "app", durable=True, database_url=given.database_url, redis_url=given.redis_url
    )
    # Bind the port before anything starts, so that a busy port is reported at once. It stays bound during restarts.
    with _listener(port) as listener, services as addresses:
        environment = _environment(addresses, port)
        os.environ.update(environment)
        settings = Settings.load()
        with published(directory, addresses), _page(settings) if observe else nullcontext() as page:
            if _migrated(settings, stopping, own=not given.database_url):
                seeded = asyncio.run(_seed(settings, _password(directory)))
                _announce(settings, seeded, directory, page)
                _serve_until(stopping, environment, listener, addresses)
    typer.echo("stopped")


def _environment(addresses: Addresses, port: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": addresses.database_url,
        "REDIS_URL": addresses.redis_url,
        "PUBLIC_URL": url,
        "WORKER_PORT": str(free_port()),
        "JOB_COMPLETION_WAIT": "5",
    }


def _migrated(settings: Settings, stopping: threading.Event, *, own: bool) -> bool:
    """Apply the migrations. Return False if stopped first.

    An error names its remedy, often a command that needs the database. The `own` database runs only here, so keep it
    running until somebody has applied the remedy. Raises MigrationError if the database runs elsewhere.
    """
    told = ""
    while not stopping.is_set():
        try:
            upgrade(settings)
        except MigrationError as error:
            if not own:
                raise
            if told != str(error):
                told = str(error)
                typer.echo(f"{told}\nPostgreSQL runs: do that in another terminal, and `app dev` continues", err=True)
            stopping.wait(_RETRY_SECONDS)
        else:
            return True
    return False


async def _seed(settings: Settings, password: str) -> list[str]:
    features = discover()
    async with open_resources(settings, features) as resources:
        return [line for feature in features if feature.seed for line in await feature.seed(resources, password)]


def _password(directory: Path) -> str:
    """Return the password of the development user, which is generated once and stored with the data."""
    file = directory / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
    return file.read_text().strip()


def _page(settings: Settings) -> AbstractContextManager[str]:
    from app.dev.observe.server import observing

    worker = f"http://127.0.0.1:{settings.worker_port}"
    return observing({"api": f"{settings.public_url}/metrics", "worker": f"{worker}/metrics"})


def _announce(settings: Settings, seeded: Sequence[str], directory: Path, page: str | None) -> None:
    lines = [
        f"api       {settings.public_url}{settings.route_prefix}/health/",
        f"docs      {settings.public_url}/docs, from {settings.public_url}/openapi.json",
        f"metrics   {settings.public_url}/metrics, worker http://127.0.0.1:{settings.worker_port}/metrics",
        *([f"observe   {page}"] if page else []),
        f"database  {settings.database_address()}",
        f"redis     {settings.redis_address()}",
        f"data      {directory}; Ctrl-C stops everything",
        *seeded,
    ]
    if directory != project_root().resolve() / ".dev":
        lines.append(f"Other commands find this run with `export DEV_DATA={shlex.quote(str(directory))}`.")
    for line in lines:
        typer.echo(line)
    sys.stdout.flush()


def _listener(port: int) -> socket.socket:
    """Return a socket that listens on the port. Raises ServicesError if the port is in use."""
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError as error:
            if time.monotonic() > deadline:
                raise ServicesError(f"port {port} is in use: stop what listens there, or give --port") from error
            time.sleep(0.2)


def _serve_until(
    stopping: threading.Event, environment: Mapping[str, str], listener: socket.socket, addresses: Addresses
) -> None:
    # Imported here: the image has no file watcher.
    import watchfiles

    children = _start(environment, listener)
    try:
        source = Path(__file__).parents[1]
        for changes in watchfiles.watch(source, stop_event=stopping, rust_timeout=500, yield_on_timeout=True):
            if stopping.is_set():
                break
            for name in revive(addresses):
                # API and worker reconnect, as they do in production.
                typer.echo(f"{name} ended and was started again")
            died = any(child.poll() is not None for child in children)
            if changes or died:
                typer.echo("restarting: " + (f"{len(changes)} files changed" if changes else "a process ended"))
                # A process that dies at once would otherwise be started twice a second.
                stopping.wait(0 if changes else 2)
                _stop(children)
                _migrate(environment, [path for _, path in changes])
                children = _start(environment, listener)
    finally:
        _stop(children)


def _migrate(environment: Mapping[str, str], changed: Sequence[str]) -> None:
    """Apply migrations after a change, in a new process, because this one still has the old code."""
    if any("/migrations/" in path for path in changed):
        subprocess.run([sys.executable, "-m", "app", "migrate"], env={**os.environ, **environment}, check=False)


def _start(environment: Mapping[str, str], listener: socket.socket) -> list[subprocess.Popen[bytes]]:
    descriptor = listener.fileno()
    return [
        subprocess.Popen(
            [sys.executable, "-m", "app.dev.child", *half],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            # Only the API gets the listener: a process that never accepts would leave connections waiting.
            pass_fds=[descriptor] if "api" in half else [],
            # Ctrl-C must reach only the supervisor, which stops the children in order.
            start_new_session=True,
        )
        for half in (["api", str(descriptor)], ["worker"])
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
