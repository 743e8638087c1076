"""`app dev` as a real process, and checks for processes that it leaves behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.settings import Settings
from tests.waiting import await_answer


@dataclass
class DevProcess:
    """A running `app dev`; `output` grows while it runs."""

    process: subprocess.Popen[str]
    api: str
    data: Path
    output: list[str] = field(default_factory=list)

    def password(self) -> str:
        """The seeded user's password, from the output."""
        found = re.search(r"password (\S+)", "".join(self.output))
        assert found, "".join(self.output)
        return found[1]

    def await_serving(self) -> None:
        """Wait until the health route answers 200."""
        await_answer(f"{self.api}/health/", self.process)

    def relatives(self) -> list[psutil.Process]:
        """Every process that belongs to this run: descendants, and servers that work on its data."""
        found = {child.pid: child for child in psutil.Process(self.process.pid).children(recursive=True)}
        return [*found.values(), *(process for process in on_data(self.data) if process.pid not in found)]

    def interrupt(self) -> int:
        """Press Ctrl-C and wait. Returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextlib.contextmanager
def app_dev(port: int, data: Path, *options: str, **variables: str) -> Iterator[DevProcess]:
    """Run `app dev` on embedded services. Processes that it leaves behind are killed at the end of the block."""
    names = ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "dev", "--port", str(port), "--data", str(data), *options],
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = DevProcess(process, f"http://127.0.0.1:{port}{Settings.load().route_prefix}", data)
    reader = threading.Thread(target=_collect, args=(process, running.output))
    reader.start()
    try:
        yield running
    finally:
        for left in running.relatives() if process.poll() is None else on_data(data):
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.kill()
        process.wait()
        reader.join()
        # pytest shows this output if a test fails.
        sys.stdout.write("".join(running.output))


def on_data(data: Path) -> list[psutil.Process]:
    """Processes that name a directory in their command line or work in it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and (_within(process.cwd(), data) or _names(process.cmdline(), data)):
                found.append(process)
    return found


def still_running(processes: list[psutil.Process], seconds: float = 30) -> list[psutil.Process]:
    """Return the processes that are still alive after a while. A zombie does not count as alive."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def _within(directory: str, data: Path) -> bool:
    return Path(directory).is_relative_to(data)


def _names(command: list[str], data: Path) -> bool:
    return any(word.startswith(str(data)) for word in command)


def _collect(process: subprocess.Popen[str], output: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            output.append(line)
