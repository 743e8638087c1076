"""The services of one machine, for `app dev` and for the tests.

A lock on the directory ends with its process, so it shows whether an earlier run still uses the directory.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from app.dev.servers import PostgresqlServer, Server, ServicesError, ValkeyServer, free_port
from app.kit.configuration import DEV_ADDRESSES

__all__ = ["Addresses", "ServicesError", "exclusive", "free_port", "published", "revive", "running_services"]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the services, and the services that were started here."""

    database_url: str
    redis_url: str
    servers: tuple[Server, ...] = ()


@contextlib.contextmanager
def running_services(
    directory: Path, database: str, *, durable: bool, database_url: str | None = None, redis_url: str | None = None
) -> Iterator[Addresses]:
    """Run both services with a data directory inside the block.

    Without `durable`, which is for tests, neither waits for the disk. A service whose address is given is not started.
    Raises ServicesError.
    """
    servers: list[Server] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(exclusive(directory))
        if not database_url:
            postgresql = PostgresqlServer(directory / "postgresql", database, durable=durable)
            servers.append(stack.enter_context(_running(postgresql)))
            database_url = postgresql.address
        if not redis_url:
            valkey = ValkeyServer(directory / "valkey", durable=durable)
            servers.append(stack.enter_context(_running(valkey)))
            redis_url = valkey.address
        yield Addresses(database_url, redis_url, tuple(servers))


@contextlib.contextmanager
def published(directory: Path, addresses: Addresses) -> Iterator[None]:
    """Write a file from which the project's other commands read the addresses of the services, inside the block."""
    file = directory / DEV_ADDRESSES
    # Only its owner may read it: a URL may hold a password.
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w") as text:
        fcntl.flock(text, fcntl.LOCK_EX)
        text.write(f"DATABASE_URL='{addresses.database_url}'\nREDIS_URL='{addresses.redis_url}'\n")
        text.flush()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def revive(addresses: Addresses) -> list[str]:
    """Restart services that have died, with the same data and addresses. Return their names. Raises ServicesError."""
    dead = [server for server in addresses.servers if not server.alive()]
    for server in dead:
        server.start()
    return [server.name for server in dead]


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Lock a directory inside the block. Raises ServicesError if another process has locked it."""
    with _lock_file(directory) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServicesError(f"another process uses {directory}: stop it first") from None
        yield


def _lock_file(directory: Path) -> TextIO:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / "lock").open("w")
    except OSError as error:
        raise ServicesError(f"{directory} cannot be used ({error.strerror}): give another folder as --data") from error


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        if server.alive():
            server.stop()
