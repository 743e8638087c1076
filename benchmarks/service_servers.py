"""The three servers of the benchmark, each a process of its own, on an embedded PostgreSQL and Valkey of their own."""

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
from app.composition import discover
from app.dev.services import Addresses, free_port, running_services
from app.kit.ratelimit import declared_limits

# As in production, except that the embedded servers have no TLS and the limits are too wide to be reached.
PRODUCTION = {
    "ENVIRONMENT": "production",
    # Outside development, a server without TLS and password must be on this machine, and needs this setting.
    "PLAIN_LOOPBACK": "true",
    "SMTP_HOST": "smtp.invalid",
    "MAIL_FROM": "noreply@example.com",
    "DATABASE_POOL_SIZE": "5",
    # As in the Dockerfile, so that the memory of a password hash is returned to the system.
    "MALLOC_MMAP_THRESHOLD_": "4194304",
}
RATE = "100000000/60"


class Server:
    """A process that answers on a port of this machine."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        self.name = name
        self.port = port
        self._process = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        """CPU seconds, user and system, since the start."""
        times = self._process.cpu_times()
        return times.user + times.system

    def memory(self) -> float:
        """Resident memory, MiB."""
        return self._process.memory_info().rss / 2**20

    def descriptors(self) -> int:
        """Open files and sockets."""
        return self._process.num_fds()


@contextlib.contextmanager
def addresses(directory: Path) -> Iterator[Addresses]:
    """PostgreSQL and Valkey for the length of a block."""
    with running_services(directory, "benchmark", durable=False) as found:
        yield found


def service_environment(found: Addresses) -> dict[str, str]:
    """The service's variables."""
    discover()
    return {
        **os.environ,
        **PRODUCTION,
        "DATABASE_URL": found.database_url,
        "REDIS_URL": found.redis_url,
        "JWT_SECRET": secrets.token_hex(32),
        "SESSION_SECRET": secrets.token_hex(32),
        "RATE_LIMITS": json.dumps(dict.fromkeys(declared_limits(), RATE)),
        # A single user requests all tasks of a round.
        "TASKS_PER_USER": "1000000",
        "TASK_BYTES_PER_USER": "1000000000",
    }


def image(project: Path, folder: Path) -> tuple[str, dict[str, str]]:
    """Install a project as its Dockerfile does. Return the Python and the variables of a process that runs it.

    Development tools bring modules that libraries import where they find them, and a process that compiles its modules itself takes twice
    the CPU to start and keeps 9 MiB more.
    """
    left_out = " ".join(re.findall(r"--no-install-package \S+", (project / "Dockerfile").read_text())).split()
    environment, package, python = folder / "image/.venv", folder / "image/service", str(folder / "image/.venv/bin/python")
    variables = {"PYTHONPATH": str(package), "TYPER_USE_RICH": "0"}
    for step in (
        ["uv", "sync", "--quiet", "--locked", "--no-dev", "--no-install-project", *left_out],
        [python, "deploy/image/trim.py", str(environment), "project.env"],
        ["uv", "pip", "install", "--quiet", "--no-deps", "--python", python, "--target", str(package), "."],
        [python, "deploy/image/compile.py", str(environment), str(package)],
    ):
        # Copy the packages, so that trimming does not change the files in uv's cache, which other environments use.
        given = {**os.environ, **variables, "UV_LINK_MODE": "copy", "UV_PROJECT_ENVIRONMENT": str(environment)}
        subprocess.run(step, cwd=project, env=given, check=True, stdout=subprocess.DEVNULL)
    return python, variables


@contextlib.contextmanager
def service(environment: dict[str, str], project: Path, log: Path, python: str = sys.executable) -> Iterator[Server]:
    """The rendered service, its access log in a file."""
    command = [python, "-m", "app"]
    subprocess.run([*command, "migrate"], cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    command += ["api", "--host", "127.0.0.1", "--port", str(port)]
    with running("service", command, environment=environment, port=port, directory=project, log=log) as server:
        until_ready(f"http://127.0.0.1:{port}{environment.get('ROUTE_PREFIX', '/api')}/health/ready")
        yield server


@contextlib.contextmanager
def peer(name: str, path: str, environment: dict[str, str], log: Path) -> Iterator[Server]:
    """The bare route or the floor."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("service_floor.py")), name, str(port)]
    with running(name, command, environment=environment, port=port, directory=Path.cwd(), log=log) as server:
        until_ready(f"http://127.0.0.1:{port}{path}")
        yield server


@contextlib.contextmanager
def running(name: str, command: list[str], *, environment: dict[str, str], port: int, directory: Path, log: Path) -> Iterator[Server]:
    """A process for the length of a block."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=directory, env=environment, stdout=file, stderr=file)
        try:
            yield Server(name, process, port)
        finally:
            process.terminate()
            process.wait()


def until_ready(url: str) -> None:
    """Wait until a URL answers 200."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    message = f"{url} does not answer"
    raise TimeoutError(message)
