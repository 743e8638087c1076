"""A real Valkey that refuses commands, for each reason that a server can have."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import redis

from app.dev.servers import ValkeyServer, free_port

PATIENCE = 30.0


class RefusingServer:
    """A server of its own. `refusing` puts it into a state, in which it answers `STATES[state]` at least to writes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = ValkeyServer(directory, durable=False, options={"enable-debug-command": "local"})
        self._server.start()
        self.address = self._server.address
        # The tests send their commands as a user to whom no state applies.
        with redis.Redis.from_url(self.address) as first:
            first.execute_command("ACL", "SETUSER", "operator", "on", ">operator", "~*", "&*", "+@all")
        self._operator = self._connected("operator")

    def stop(self) -> None:
        """End the server."""
        self._operator.close()
        self._server.stop()

    @contextmanager
    def refusing(self, state: str) -> Iterator[None]:
        """Refuse for the length of a block."""
        with _STATES[state](self):
            self._until(lambda: any(state in answer for answer in self._answers()), f"the server answers {state}")
            yield
        self._until(lambda: self._answers() == ["OK", "OK"], "the server accepts writes again")

    def call(self, *words: object) -> Any:
        """The answer to a command of the operator."""
        return self._operator.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py

    def config(self, **values: object) -> None:
        """Change the configuration."""
        for name, value in values.items():
            self.call("CONFIG", "SET", name.replace("_", "-"), value)

    def in_background(self, *words: object) -> threading.Thread:
        """Send a command whose answer comes late, or not at all."""

        def send() -> None:
            with contextlib.suppress(redis.RedisError), self._connected("operator", timeout=None) as client:
                client.execute_command(*words)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

    def data_file(self) -> Path:
        """The file that snapshots go into."""
        settings: Any = self._operator.config_get("dbfilename")
        return self._directory / str(settings["dbfilename"])

    def _connected(self, user: str, timeout: float | None = 5) -> redis.Redis:
        credentials = {"username": user, "password": user} if user != "default" else {}
        return redis.Redis.from_url(self.address, socket_timeout=timeout, decode_responses=True, **credentials)

    def _answers(self) -> list[str]:
        """The answers to a write and a read of the service's user over new connections."""
        return [self._answer("SET", "refusals", "1", "EX", "5"), self._answer("GET", "refusals")]

    def _answer(self, *words: str) -> str:
        try:
            with self._connected("default") as client:
                client.execute_command(*words)
        except redis.RedisError as error:
            # redis-py removes the error codes for which it has a class.
            return _CODES.get(type(error), "") + str(error)
        return "OK"

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s, but {self._answers()}"
            time.sleep(0.02)


_CODES: dict[type[redis.RedisError], str] = {
    redis.exceptions.ReadOnlyError: "READONLY ",
    redis.exceptions.OutOfMemoryError: "OOM ",
    redis.exceptions.BusyLoadingError: "LOADING ",
    redis.exceptions.NoPermissionError: "NOPERM ",
    redis.exceptions.AuthenticationError: "NOAUTH ",
}


@contextmanager
def _replica(server: RefusingServer) -> Iterator[None]:
    server.call("REPLICAOF", "127.0.0.1", free_port())
    try:
        yield
    finally:
        server.call("REPLICAOF", "NO", "ONE")


@contextmanager
def _replica_without_primary(server: RefusingServer) -> Iterator[None]:
    server.config(replica_serve_stale_data="no")
    try:
        with _replica(server):
            yield
    finally:
        server.config(replica_serve_stale_data="yes")


@contextmanager
def _full(server: RefusingServer) -> Iterator[None]:
    server.config(maxmemory=1)
    try:
        yield
    finally:
        server.config(maxmemory=0)


@contextmanager
def _without_replicas(server: RefusingServer) -> Iterator[None]:
    server.config(min_replicas_to_write=1)
    try:
        yield
    finally:
        server.config(min_replicas_to_write=0)


@contextmanager
def _without_disk(server: RefusingServer) -> Iterator[None]:
    # The rename of a snapshot to its final name fails if a directory has that name.
    file = server.data_file()
    file.unlink(missing_ok=True)
    (file / "in-the-way").mkdir(parents=True)
    server.config(save="3600 1")
    server.call("BGSAVE")
    try:
        yield
    finally:
        (file / "in-the-way").rmdir()
        file.rmdir()
        server.config(save="")


@contextmanager
def _without_rights(server: RefusingServer) -> Iterator[None]:
    server.call("ACL", "SETUSER", "default", "-@all")
    try:
        yield
    finally:
        server.call("ACL", "SETUSER", "default", "+@all")


@contextmanager
def _without_password(server: RefusingServer) -> Iterator[None]:
    server.config(requirepass="changed")
    server.call("CLIENT", "KILL", "USER", "default")
    try:
        yield
    finally:
        server.config(requirepass="")


@contextmanager
def _loading(server: RefusingServer) -> Iterator[None]:
    server.call("DEBUG", "POPULATE", 20_000, "populated")
    server.config(key_load_delay=1_000, loading_process_events_interval_bytes=1_024)
    reload = server.in_background("DEBUG", "RELOAD")
    try:
        yield
    finally:
        server.config(key_load_delay=0)
        reload.join(PATIENCE)
        server.call("FLUSHALL")


@contextmanager
def _busy(server: RefusingServer) -> Iterator[None]:
    server.config(busy_reply_threshold=1)
    script = server.in_background("EVAL", "while true do end", 0)
    try:
        yield
    finally:
        server.call("SCRIPT", "KILL")
        script.join(PATIENCE)


_STATES: dict[str, Callable[[RefusingServer], AbstractContextManager[None]]] = {
    "READONLY": _replica,
    "MASTERDOWN": _replica_without_primary,
    "OOM": _full,
    "NOREPLICAS": _without_replicas,
    "MISCONF": _without_disk,
    "NOPERM": _without_rights,
    "NOAUTH": _without_password,
    "LOADING": _loading,
    "BUSY": _busy,
}
STATES = tuple(_STATES)


@contextmanager
def refusing_server(directory: Path) -> Iterator[RefusingServer]:
    """A server for the length of a block."""
    server = RefusingServer(directory)
    try:
        yield server
    finally:
        server.stop()
