"""The service as processes: PostgreSQL, Valkey, API and workers, each to be killed, paused and started again."""

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import redis
from sqlalchemy.engine import make_url

from app.dev.databases import ensure_database
from app.dev.servers import PostgresqlServer, Server, ValkeyServer, free_port
from app.dev.services import ServicesError, exclusive
from app.kit.database import connection_arguments
from app.migrations.runner import upgrade
from app.settings import Settings
from tests.faults.probe import TABLES
from tests.waiting import until

LEASE = 3
COMPLETION_WAIT = 4


class Process:
    """One process of the service, and its log."""

    def __init__(self, log: Path, environment: dict[str, str], *words: str, url: str) -> None:
        self._log, self._environment, self._words, self.url = log, environment, words, url
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run, and return once it answers."""
        with self._log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.process", *self._words],
                env={**os.environ, **self._environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(self.answers, f"{self._words[0]} answers")

    def answers(self) -> bool:
        """Whether it serves."""
        assert self.child is not None
        assert self.child.poll() is None, self.log()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.url, timeout=5).status_code == 200
        return False

    @property
    def running(self) -> bool:
        """Return whether the process is still running."""
        return self.child is not None and self.child.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.child is not None
        self.child.send_signal(number)

    def end(self, seconds: float) -> int:
        """Wait for its end. Returns its status."""
        assert self.child is not None
        return self.child.wait(seconds)

    def kill(self) -> None:
        """Kill the process, even if it is paused."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def log(self) -> str:
        """Return everything that this process and its predecessors logged."""
        return self._log.read_text() if self._log.exists() else ""


class Stack:
    """All parts. `base` is the address of the API's routes, `headers` sign a user in where users live here."""

    def __init__(self, directory: Path, postgresql: PostgresqlServer, valkey: ValkeyServer) -> None:
        self.postgresql, self.valkey = postgresql, valkey
        self.headers: dict[str, str] = {}
        self._directory = directory
        self._environment = {
            "ENVIRONMENT": "test",
            "DATABASE_URL": postgresql.address,
            "REDIS_URL": valkey.address,
            "DATABASE_POOL_SIZE": "8",
            "DATABASE_STATEMENT_TIMEOUT": "3",
            "TASK_LEASE": str(LEASE),
            "JOB_COMPLETION_WAIT": str(COMPLETION_WAIT),
        }
        self.api = self.make_api("api")
        self.base = self.api.url.removesuffix("/health/ready")
        self.worker = self.make_worker("worker")

    def make_api(self, name: str, **values: str) -> Process:
        """An API that is not started."""
        port = str(free_port())
        words = ("api", "--host", "127.0.0.1", "--port", port)
        url = f"http://127.0.0.1:{port}{Settings.load().route_prefix}/health/ready"
        return Process(self._directory / f"{name}.log", {**self._environment, **values}, *words, url=url)

    def make_worker(self, name: str, **values: str) -> Process:
        """A worker that is not started."""
        port = str(free_port())
        environment = {**self._environment, "WORKER_PORT": port, **values}
        words = ("worker", "--host", "127.0.0.1")
        return Process(self._directory / f"{name}.log", environment, *words, url=f"http://127.0.0.1:{port}/live")

    def make_whole(self) -> None:
        """Start what does not run, and wait until everything answers."""
        parts: tuple[Server | Process, ...] = (self.postgresql, self.valkey)
        for server in (self.postgresql, self.valkey):
            if not server.alive():
                server.start()
        for process in (self.api, self.worker):
            if not process.running:
                process.start()
        assert parts
        until(lambda: self.get("/health/dependencies") == 200, "the service is whole")

    def get(self, path: str) -> int:
        """Return the status of a GET, or 0 without a response."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.base + path, timeout=10).status_code
        return 0

    def sign_in(self) -> None:
        """Register and log in, where the service has its own users."""
        if importlib.util.find_spec("app.accounts") is None:
            return
        user = {"email": "faults@example.com", "password": "correct horse battery staple", "name": "F"}
        assert httpx.post(f"{self.base}/v1/users", json=user, timeout=30).status_code == 201
        form = {"username": user["email"], "password": user["password"]}
        login = httpx.post(f"{self.base}/v1/auth/login", data=form, timeout=30)
        self.headers = {"Authorization": f"Bearer {login.json()['access_token']}"}

    def database_answers(self) -> bool:
        """Return whether PostgreSQL answers, without the service."""
        with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
            return self.sql("SELECT 1") == [(1,)]
        return False

    def redis_answers(self) -> bool:
        """Return whether Valkey answers, without the service."""
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.valkey.address, socket_timeout=1) as one:
            return bool(one.ping())
        return False

    def sql(self, statement: str, *arguments: object) -> list[tuple[object, ...]]:
        """Rows of a statement, over a connection of its own."""

        async def run() -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(**connection_arguments(make_url(self.postgresql.address)), timeout=5)
            try:
                return [tuple(row) for row in await connection.fetch(statement, *arguments)]
            finally:
                await connection.close()

        return asyncio.run(run())


@contextlib.contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """Start all parts on the data in a directory, and stop them at the end of the block."""
    with contextlib.ExitStack() as stack:
        until(lambda: _took(stack, directory), "another process of pytest runs these tests", seconds=1_200)
        for log in directory.glob("*.log"):
            log.unlink()
        # Only a durable server keeps acknowledged data when it is killed. The cache may lose its data.
        postgresql = PostgresqlServer(directory / "postgresql", "faults", durable=True)
        valkey = ValkeyServer(directory / "valkey", durable=False)
        for server in (postgresql, valkey):
            server.start()
            stack.callback(_stop, server)
        asyncio.run(ensure_database(postgresql.address.replace("/faults?", "/postgres?"), "faults", fresh=True))
        upgrade(Settings.load().model_copy(update={"database_url": postgresql.address}))
        whole = Stack(directory, postgresql, valkey)
        for process in (whole.api, whole.worker):
            stack.callback(process.kill)
        for table in TABLES:
            whole.sql(table)
        whole.make_whole()
        whole.sign_in()
        yield whole


def _took(stack: contextlib.ExitStack, directory: Path) -> bool:
    """Lock the directory. Return False if another process has locked it."""
    try:
        stack.enter_context(exclusive(directory))
    except ServicesError:
        return False
    return True


def _stop(server: Server) -> None:
    if server.alive():
        server.stop()
