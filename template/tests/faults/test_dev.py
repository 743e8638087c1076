"""`app dev`: a change, a dead server, a killed run, a busy port."""

import os
import re
import signal
import socket
from pathlib import Path

import httpx
import psutil
import pytest

import app
from app.dev.services import free_port
from tests.dev.process import DevProcess, app_dev, still_running
from tests.waiting import until

pytestmark = pytest.mark.faults


def test_a_change_reloads_a_killed_run_leaves_no_child_and_the_next_one_takes_over(tmp_path: Path) -> None:
    port = free_port()
    with app_dev(port, tmp_path, "--observe") as first:
        first.await_serving()
        check_worker(first.output)
        check_page(first.output)
        check_reload(first)
        check_revival(first)
        children = psutil.Process(first.process.pid).children(recursive=False)
        children = [child for child in children if "app.dev.child" in child.cmdline()]
        assert len(children) == 2
        everything = first.relatives()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        assert still_running(children) == []
        with app_dev(port, tmp_path, "--observe") as second:
            second.await_serving()
            everything += second.relatives()
            assert second.interrupt() == 0
            assert still_running(everything) == []


def check_worker(output: list[str]) -> None:
    """The worker answers where `app dev` says it does."""
    metrics = re.search(r"worker (http\S+)/metrics", "".join(output))
    assert metrics
    # The API may be up before the worker: a refused connection is retried, for up to 15 s.
    with httpx.Client(base_url=metrics[1], transport=httpx.HTTPTransport(retries=6)) as worker:
        assert worker.get("/live").status_code == 200
        assert "tasks_succeeded_total" in worker.get("/metrics").text
        assert worker.get("/nothing").status_code == 404


def check_page(output: list[str]) -> None:
    """The page draws what both processes measure."""
    page = re.search(r"observe +(http\S+)", "".join(output))
    assert page
    with httpx.Client(base_url=page[1]) as client:
        until(lambda: all(client.get("/data.json").json()["processes"].values()), "both processes are measured", 30)
        assert "panels" in client.get("/").text


def check_reload(running: DevProcess) -> None:
    """A changed file restarts API and worker, and no request is refused meanwhile."""
    Path(app.__file__).touch()
    until(lambda: any(line.startswith("restarting: ") for line in running.output), "both processes restart", 20)
    assert httpx.get(f"{running.api}/health/live", timeout=30).status_code == 200
    running.await_serving()


def test_a_busy_port_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with app_dev(port, tmp_path) as running:
            assert running.process.wait(60) == 1
    assert running.output == [f"port {port} is in use: stop what listens there, or give --port\n"]


def check_revival(running: DevProcess) -> None:
    """A server that dies is started again, and API and worker find it."""
    for process in servers(running):
        process.kill()
    await_line(running, "PostgreSQL ended and was started again")
    await_line(running, "Valkey ended and was started again")
    dependencies = f"{running.api}/health/dependencies"
    until(lambda: httpx.get(dependencies, timeout=30).status_code == 200, "both servers answer", 60)


def servers(running: DevProcess) -> list[psutil.Process]:
    """The first process of each embedded server."""
    found = [process for process in running.relatives() if process.name() in ("postgres", "valkey-server")]
    return [process for process in found if process.name() != "postgres" or "-D" in process.cmdline()]


def await_line(running: DevProcess, line: str) -> None:
    """Wait until `app dev` prints a line."""
    until(lambda: f"{line}\n" in running.output, line, 60)
