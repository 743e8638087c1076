"""The command that compose.yaml runs: a process that starts again when its sources change, or when it dies."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.dev import reload
from app.dev.reload import changes_of, reload_until
from app.dev.services import free_port
from app.settings import Settings
from tests.waiting import await_answer, until

# Writes a line and runs until SIGTERM, or exits at once if a file named broken exists.
CHILD = """
import signal, sys
from pathlib import Path
runs, sources = map(Path, sys.argv[1:])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with runs.open("a") as file:
    file.write("run\\n")
if not (sources / "broken").exists():
    signal.pause()
"""


def await_runs(runs: Path, count: int) -> None:
    until(lambda: runs.exists() and len(runs.read_text().splitlines()) == count, f"{count} runs", 30)


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started. Each runs CHILD."""
    started: list[subprocess.Popen[bytes]] = []

    def start(_half: Sequence[str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CHILD, str(tmp_path / "runs"), str(tmp_path / "src")]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr(reload, "_start", start)
    monkeypatch.setattr(reload, "_INTERVAL", 0.05)
    monkeypatch.setattr(reload, "_PAUSE", 0.1)
    return started


@contextmanager
def reloading(sources: Path) -> Iterator[None]:
    stopping = threading.Event()
    thread = threading.Thread(target=reload_until, args=(stopping, ["worker"], sources))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def save(sources: Path, name: str, text: str) -> None:
    """Write a source file atomically: a check between two steps would see two changes."""
    written = sources.with_name("written")
    written.write_text(text)
    written.replace(sources / name)


@pytest.mark.parametrize(
    "change",
    [
        lambda sources: save(sources, "feature.py", "changed"),
        lambda sources: save(sources, "new.py", "new"),
        lambda sources: (sources / "feature.py").unlink(),
        lambda sources: save(sources, "locales/en.po", "a word"),
    ],
    ids=["edited", "added", "deleted", "a catalogue"],
)
def test_a_change_starts_the_process_again(
    change: Callable[[Path], object], children: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    sources = tmp_path / "src"
    (sources / "locales").mkdir(parents=True)
    (sources / "feature.py").write_text("unchanged")
    with reloading(sources):
        await_runs(tmp_path / "runs", 1)
        change(sources)
        await_runs(tmp_path / "runs", 2)
    assert [child.returncode for child in children] == [0, 0]


def test_a_process_that_dies_is_started_again_after_a_pause(
    children: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    sources = tmp_path / "src"
    sources.mkdir()
    (sources / "broken").touch()
    with reloading(sources):
        await_runs(tmp_path / "runs", 3)
        (sources / "broken").unlink()
    assert len(children) >= 3


def test_bytecode_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "feature.py").touch()
    before = changes_of(tmp_path)
    (tmp_path / "feature.cpython-313.pyc").touch()
    assert changes_of(tmp_path) == before


def test_a_worker_serves_and_told_to_stop_ends_in_order(settings: Settings) -> None:
    port = free_port()
    addresses = {"DATABASE_URL": settings.database_address(), "REDIS_URL": settings.redis_address()}
    environment = {**os.environ, **addresses, "WORKER_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "app.dev.reload", "worker"], env=environment)
    try:
        await_answer(f"http://127.0.0.1:{port}/live", process)
        process.terminate()
        assert process.wait(30) == 0
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/live")
    finally:
        process.kill()
        process.wait()
