"""The running half of the game day (`python -m tests.observability.game_day`), by the rendered project's Python.

API, worker, PostgreSQL, Valkey and a mail server run as processes in production mode. Faults are planted one after the other, and a JSON
file records what each scrape of `/metrics` answered, the lines that the processes logged during each fault, and what commands printed.

Real are the processes, the requests, the faults, the scrapes and the log. Simulated is the clock: half a minute is a batch of requests and
a scrape of each process, however long they take, and it stands while a server starts. So that it can run ahead, due tasks are aged in the
database by the time that it gains, limits of rates are wide, a task has two attempts and not ten, and the worker does two jobs at a time.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from aiosmtpd.controller import Controller
from app.dev.services import Addresses, free_port
from app.kit.database import connection_arguments
from service_servers import addresses, running, service_environment, until_ready
from soak_run import FORM, PASSWORD, certified, tls_of
from sqlalchemy.engine import make_url

HALF = 30
"""Seconds between two scrapes of an agent."""

CALM, BUSY = 10, 20
"""Requests of half a minute: on a quiet day, and while a share of them is to fail."""

BEFORE, BETWEEN, AFTER = 10, 7, 35
"""Minutes before a fault, between its weaker form and itself, and after it: longer than the short window of the slowest alarm."""

NEWBORN = 30

# A release with a defect: a line that is added to the route that lists products.
ROUTE = "src/app/products/routes.py"
LISTING = '    """The user\'s products, newest first unless `sort` names another order."""\n'
BROKEN = '    raise KeyError("colour")  # planted\n'
SLOW = '    await __import__("asyncio").sleep(0.7)  # planted\n'


class MailServer:
    """An SMTP server that takes mails, is too busy for them, or says nothing."""

    def __init__(self) -> None:
        self.mood = "well"

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take a mail, or not."""
        while self.mood == "silent":  # noqa: ASYNC110  another thread changes it
            await asyncio.sleep(0.1)
        return "451 4.3.2 too busy" if self.mood == "busy" else "250 taken"


@dataclass
class Recording:
    """The scrapes, log lines and outputs of the day."""

    scrapes: list[tuple[float, str, str, str | None]] = field(default_factory=list)
    marks: dict[str, dict[str, float]] = field(default_factory=dict)
    lines: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    commands: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


class Process:
    """A process of the service, which a release replaces by another one under another address."""

    def __init__(self, job: str, number: int, port: int, log: Path) -> None:
        self.job, self.instance, self.pod, self.port, self.log = job, f"10.0.0.{number}:{port}", f"{job}-{number}", port, log
        self.stack = contextlib.ExitStack()


class Day:
    """The running service, the simulated clock, and the recording."""

    def __init__(self, project: Path, folder: Path, found: Addresses, environment: dict[str, str], mails: MailServer) -> None:
        self.project, self.folder, self.found, self.environment, self.mails = project, folder, found, environment, mails
        self.recording = Recording()
        self.now = 0.0
        self.ages = False
        self._processes: dict[str, Process] = {}
        self._started = 0
        self._client: httpx.AsyncClient
        self._token, self._product = "", ""

    def start(self, job: str, planted: str = "") -> None:
        """Start API or worker, in place of the one before. `planted` is a line of a release with a defect."""
        self.stop(job)
        self._started += 1
        source = self.project / "src"
        if planted:
            source = self.folder / f"release-{self._started}"
            shutil.copytree(self.project / "src", source)
            route = source / Path(ROUTE).relative_to("src")
            text = route.read_text(encoding="utf-8")
            assert LISTING in text, f"{ROUTE} has changed"
            route.write_text(text.replace(LISTING, LISTING + planted), encoding="utf-8")
        process = Process(job, self._started, free_port(), self.folder / f"{job}-{self._started}.log")
        command = [sys.executable, "-m", "app", job, "--host", "127.0.0.1", *(["--port", str(process.port)] if job == "api" else [])]
        environment = {
            **self.environment,
            "PYTHONPATH": str(source),
            "RELEASE": f"release-{self._started}",
            "WORKER_PORT": str(process.port),
        }
        process.stack.enter_context(
            running(job, command, environment=environment, port=process.port, directory=self.project, log=process.log)
        )
        self._processes[job] = process
        ready = f"{self.environment.get('ROUTE_PREFIX', '/api')}/health/ready" if job == "api" else "/live"
        until_ready(f"http://127.0.0.1:{process.port}{ready}")

    def stop(self, job: str) -> None:
        """End a process."""
        if job in self._processes:
            self._processes.pop(job).stack.close()

    def server(self, name: str) -> Any:
        """PostgreSQL or Valkey."""
        return next(server for server in self.found.servers if server.name == name)

    @contextlib.asynccontextmanager
    async def requests(self) -> AsyncIterator[None]:
        """Send requests as a registered user with a product, for the length of a block."""
        async with httpx.AsyncClient(timeout=60) as self._client:
            email = await self.register()
            form = {"username": email, "password": PASSWORD}
            self._token = (await self.send("POST", "/v1/auth/login", data=form, headers=FORM)).json()["access_token"]
            product = {"name": "Tea", "price_minor": 1250, "currency": "SGD"}
            self._product = (await self.send("POST", "/v1/products", json=product)).json()["id"]
            yield

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        prefix = self.environment.get("ROUTE_PREFIX", "/api")
        url = f"http://127.0.0.1:{self._processes['api'].port}{prefix}{path}"
        options.setdefault("headers", {})
        options["headers"] = {"Authorization": f"Bearer {self._token}", **options["headers"]} if self._token else options["headers"]
        return await self._client.request(method, url, **options)

    async def register(self) -> str:
        """Register a user, who gets a mail."""
        email = f"day-{uuid4().hex}@example.com"
        user = {"email": email, "password": PASSWORD, "name": "Day"}
        answer = await self.send("POST", "/v1/users", json=user, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return email

    async def guess(self, number: int) -> None:
        """Log in with a wrong password, from an address of its own."""
        form = {"username": f"victim-{number}@example.com", "password": f"{PASSWORD} {number}"}
        headers = {**FORM, "X-Forwarded-For": f"203.0.113.{number % 250 + 1}"}
        assert (await self.send("POST", "/v1/auth/login", data=form, headers=headers)).status_code == httpx.codes.UNAUTHORIZED

    async def half(self, requests: int = CALM, lists: int = 0, guesses: int = 0) -> None:
        """Half a minute: requests for a cached product, and so many of them for the list of products; then the agent's scrapes."""
        paths = ["/v1/products"] * lists + [f"/v1/products/{self._product}"] * (requests - lists)
        await asyncio.gather(*(self.send("GET", path) for path in paths))
        for number in range(guesses):
            await self.guess(int(self.now) + number)
        if self.ages:
            await self._age()
        await self.scrape()

    async def minutes(self, minutes: float, requests: int = CALM, lists: int = 0) -> None:
        """Let minutes pass."""
        for _ in range(int(minutes * 2)):
            await self.half(requests, lists)

    async def _age(self) -> None:
        """Move the due times of waiting tasks by the half minute that the clock gained, less what has really passed."""
        began = time.monotonic()
        await asyncio.sleep(3)  # the worker measures its backlog every 15 s: in every fifth accelerated half minute
        connection = await asyncpg.connect(**connection_arguments(make_url(self.found.database_url)))
        try:
            gained = HALF - (time.monotonic() - began)
            await connection.execute(
                "UPDATE tasks SET due_at = due_at - make_interval(secs => $1) WHERE status = 'queued' AND due_at <= now()", gained
            )
        finally:
            await connection.close()

    async def scrape(self) -> None:
        """Scrape each process as the agent does, and let the half minute end."""
        async with httpx.AsyncClient(timeout=30) as client:
            for job, process in self._processes.items():
                text: str | None = None
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get(f"http://127.0.0.1:{process.port}/metrics")
                    text = answer.text if answer.status_code == httpx.codes.OK else None
                self.recording.scrapes.append((self.now + HALF - 1, job, process.instance, text))
        self.now += HALF

    async def value(self, job: str, name: str) -> float:
        """The sum of a metric's series, now."""
        async with httpx.AsyncClient(timeout=30) as client:
            text = (await client.get(f"http://127.0.0.1:{self._processes[job].port}/metrics")).text
        lines = (line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{")))
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    async def until(self, job: str, name: str, holds: Callable[[float], bool]) -> None:
        """Wait, with the clock stopped, until a metric has the expected value. Raises TimeoutError."""
        async with asyncio.timeout(120):
            while not holds(await self.value(job, name)):
                await self.send("GET", "/v1/products")
                await asyncio.sleep(0.2)

    def sizes(self) -> dict[str, int]:
        """How much each process has logged by now."""
        return {file.name: file.stat().st_size for file in self.folder.glob("*.log")}

    def lines_since(self, sizes: dict[str, int]) -> list[tuple[str, str]]:
        """The lines that were logged since, each with the pod's name."""
        found = []
        for file in sorted(self.folder.glob("*.log")):
            with file.open("rb") as log:
                log.seek(sizes.get(file.name, 0))
                found += [(file.stem, line) for line in log.read().decode(errors="replace").splitlines()]
        return found

    def command(self, *words: str) -> str:
        """The output of a command of the service, as in a pod."""
        done = subprocess.run(
            [sys.executable, "-m", "app", *words], cwd=self.project, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


Act = Callable[[Day], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """One fault: its weaker form, which must wake nobody, the fault itself, and its end. `commands` are what a runbook runs in a pod."""

    below: Act
    planted: Act
    mended: Act
    commands: tuple[tuple[str, ...], ...] = ()


def release(planted: str, lists: int) -> Fault:
    """A release with a defect, which so many of twenty requests meet; one of them is the threshold."""

    async def below(day: Day) -> None:
        day.start("api", planted)
        await day.minutes(6, BUSY, lists=1)
        day.start("api")

    async def above(day: Day) -> None:
        day.start("api", planted)
        await day.minutes(6, BUSY, lists=lists)

    async def mended(day: Day) -> None:
        day.start("api")

    return Fault(below, above, mended)


async def _one_mail_late(day: Day) -> None:
    day.mails.mood = "busy"
    tried = await day.value("worker", "tasks_retried_total")
    await day.register()
    await day.until("worker", "tasks_retried_total", lambda value: value > tried)
    day.mails.mood = "well"
    await day.minutes(2)


async def _no_mail(day: Day) -> None:
    day.mails.mood = "busy"
    dead = await day.value("worker", "tasks_dead_total")
    await day.register()
    await day.until("worker", "tasks_dead_total", lambda value: value > dead)
    await day.minutes(2)


async def _mail_again(day: Day) -> None:
    day.mails.mood = "well"


async def _nineteen_guesses(day: Day) -> None:
    for guesses in (2, 2, 2, 2, 2, 2, 2, 2, 2, 1):
        await day.half(guesses=guesses)


async def _many_guesses(day: Day) -> None:
    for _ in range(10):
        await day.half(guesses=5)


async def _nothing(_day: Day) -> None:
    """It has ended already."""


def gone(name: str, back: Act) -> Fault:
    """A server that ends and is started again: after one minute, and after six."""

    async def below(day: Day) -> None:
        day.server(name).stop()
        await day.minutes(1, lists=CALM)
        await mended(day)

    async def above(day: Day) -> None:
        day.server(name).stop()
        await day.minutes(6, lists=CALM)

    async def mended(day: Day) -> None:
        # Run in a thread, because starting PostgreSQL runs its own event loop.
        await asyncio.to_thread(day.server(name).start)
        await back(day)

    return Fault(below, above, mended)


async def _database_answers(day: Day) -> None:
    async with asyncio.timeout(60):
        while (await day.send("GET", "/v1/products")).status_code != httpx.codes.OK:  # noqa: ASYNC110  another process answers
            await asyncio.sleep(0.2)


async def _redis_answers(day: Day) -> None:
    for job in ("api", "worker"):
        await day.until(job, "redis_circuit_open", lambda value: value == 0)


async def _pile_up(day: Day) -> None:
    day.mails.mood = "silent"
    for _ in range(20):
        await day.register()
    day.ages = True


async def _drain(day: Day) -> None:
    day.mails.mood, day.ages = "well", False
    await day.until("worker", "tasks_due", lambda value: value == 0)


async def _short_queue(day: Day) -> None:
    await _pile_up(day)
    await day.minutes(4)
    await _drain(day)


async def _long_queue(day: Day) -> None:
    await _pile_up(day)
    await day.minutes(14)


FAULTS: dict[str, Fault] = {
    "errors": release(BROKEN, lists=3),
    "slow-requests": release(SLOW, lists=3),
    "dead-tasks": Fault(_one_mail_late, _no_mail, _mail_again, commands=(("tasks", "list"),)),
    "login-failures": Fault(_nineteen_guesses, _many_guesses, _nothing),
    "database-unreachable": gone("PostgreSQL", _database_answers),
    "redis-unreachable": gone("Valkey", _redis_answers),
    "oldest-task": Fault(_short_queue, _long_queue, _drain),
}


async def spend(day: Day, faults: list[str]) -> None:
    """The whole day: the first half hour without a request, then each fault."""
    for _ in range(2 * NEWBORN):
        await day.scrape()
    async with day.requests():
        for name in faults:
            fault, marks = FAULTS[name], day.recording.marks.setdefault(name, {})
            began = time.monotonic()
            marks["calm"] = day.now
            await day.minutes(BEFORE)
            marks["below"] = day.now
            await fault.below(day)
            marks["between"] = day.now
            await day.minutes(BETWEEN)
            marks["planted"], logged = day.now, day.sizes()
            await fault.planted(day)
            day.recording.lines[name] = day.lines_since(logged)
            day.recording.commands[name] = [(" ".join(("app", *words)), day.command(*words)) for words in fault.commands]
            await fault.mended(day)
            marks["mended"] = day.now
            await day.minutes(AFTER)
            marks["end"] = day.now
            print(f"{name}: {(day.now - marks['calm']) / 60:.0f} simulated minutes in {time.monotonic() - began:.0f} s", flush=True)


def run(project: Path, folder: Path, faults: list[str]) -> Recording:
    """Start everything, spend the day, and return the recording."""
    mails, certificate, logs = MailServer(), certified(folder), folder / "logs"
    logs.mkdir()
    smtp = Controller(mails, hostname="127.0.0.1", port=free_port(), ssl_context=tls_of(certificate))
    smtp.start()
    try:
        with addresses(folder / "services") as found:
            environment = {
                **service_environment(found),
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(smtp.port),
                "SMTP_TLS": "implicit",
                "SSL_CERT_FILE": str(certificate),
                "PUBLIC_URL": "https://service.example.com",
                "TRUSTED_PROXIES": "1",
                "TASK_ATTEMPTS": "2",
                "WORKER_CONCURRENCY": "2",
                "JWT_SECRET": secrets.token_hex(32),
            }
            subprocess.run([sys.executable, "-m", "app", "migrate"], cwd=project, env=environment, check=True, stdout=subprocess.DEVNULL)
            day = Day(project, logs, found, environment, mails)
            try:
                for job in ("api", "worker"):
                    day.start(job)
                asyncio.run(spend(day, faults))
            finally:
                for job in ("api", "worker"):
                    day.stop(job)
            return day.recording
    finally:
        smtp.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, help="a rendered and installed project")
    parser.add_argument("recording", type=Path, help="the file to write")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; may be repeated")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        # PostgreSQL's own user must be able to enter the directory.
        Path(directory).chmod(0o711)
        recorded = run(given.project.absolute(), Path(directory), given.fault or list(FAULTS))
    given.recording.write_text(json.dumps(vars(recorded)), encoding="utf-8")
