"""Containers of a project on one network, and a client of the API that runs where their ports are."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import CompletedProcess
from typing import Any

from tests.harness import required
from tests.images.engine import Engine
from tests.images.world import World

HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp", "--user=10001")
PORT = 8000
WAIT_SECONDS = 90
# Settings as in a pod, but without TLS: the replacement servers have no trusted certificate, and only development allows plain connections.
VARIABLES = {
    "ENVIRONMENT": "development",
    "DATABASE_URL": "postgresql://app:app@postgres:5432/app",
    "REDIS_URL": "redis://valkey:6379/0",
    "PUBLIC_URL": f"http://127.0.0.1:{PORT}",
    "JWT_SECRET": secrets.token_hex(32),
    "SESSION_SECRET": secrets.token_hex(32),
    "MAIL_FROM": "noreply@example.com",
    "SMTP_HOST": "mail.example.com",
    "AWS_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


@dataclass(frozen=True)
class Answer:
    """Status and JSON of an answer."""

    status: int
    document: dict[str, Any]


@dataclass
class Service:
    """Calls the API as a person with a browser would."""

    engine: Engine
    url: str
    headers: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, *options: str) -> Answer:
        """One request; status 0 while nothing listens."""
        headers = [part for header in self.headers for part in ("--header", header)]
        command = [required("curl"), "--silent", "--max-time", "10", "--request", method, "--write-out", "\n%{http_code}", *headers]
        body, _, status = self.engine.inside(*command, *options, self.url + path).stdout.rpartition("\n")
        return Answer(int(status), json.loads(body) if body.startswith("{") else {})

    def await_status(self, path: str, status: int, seconds: float = WAIT_SECONDS) -> Answer:
        """Ask until the answer has a status."""
        deadline = time.monotonic() + seconds
        while (answer := self.call("GET", path)).status != status:
            assert time.monotonic() < deadline, f"{path}: {answer}"
            time.sleep(0.2)
        return answer

    def log_in(self, email: str, password: str) -> None:
        form = ("--data-urlencode", f"username={email}", "--data-urlencode", f"password={password}")
        answer = self.call("POST", "/v1/auth/login", *form)
        assert answer.status == 200, answer
        self.headers.append(f"Authorization: Bearer {answer.document['access_token']}")

    def import_products(self, csv: str) -> str:
        """The id of the task that imports them."""
        answer = self.call("POST", "/v1/products/imports", "--form-string", f"file={csv}")
        assert answer.status == 202, answer
        return str(answer.document["task_id"])

    def await_task(self, task: str) -> dict[str, Any]:
        """The task, once it has ended."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (document := self.call("GET", f"/v1/tasks/{task}").document).get("status") not in {"succeeded", "failed", "dead"}:
            assert time.monotonic() < deadline, document
            time.sleep(0.1)
        return document


@dataclass(frozen=True)
class Stack:
    """One project's containers."""

    world: World
    variant: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{PORT}/api"

    def name(self, part: str) -> str:
        return f"{self.variant}-{part}"

    def start(self, part: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        self.world.engine.docker("run", "--detach", f"--name={self.name(part)}", f"--network={self.variant}", *options, image, *command)

    def start_service(self, part: str, *options: str) -> None:
        self.start(part, self.world.image(part, self.variant), *HARDENED, *_variables(VARIABLES), *options)

    def run_once(self, target: str, *command: str, variables: Mapping[str, str] | None = None) -> CompletedProcess[str]:
        """Run a container of a target to its end, which must be a good one."""
        given = _variables({**VARIABLES, **(variables or {})})
        return self.world.engine.run(
            "run", "--rm", f"--network={self.variant}", *HARDENED, *given, self.world.image(target, self.variant), *command
        )

    def execute(self, part: str, *command: str) -> str:
        return self.world.engine.docker("exec", self.name(part), *command)

    def state(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.world.engine.docker("inspect", "--format={{json .State}}", self.name(part)))
        return found

    def logs(self, part: str) -> str:
        run = self.world.engine.run("logs", "--tail=50", self.name(part))
        return run.stdout + run.stderr

    def await_healthy(self, part: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while (state := self.state(part))["Health"]["Status"] != "healthy":
            assert state["Running"], self.logs(part)
            assert time.monotonic() < deadline, f"{state}\n{self.logs(part)}"
            time.sleep(0.5)


@contextmanager
def running_stack(world: World, variant: str) -> Iterator[Stack]:
    """PostgreSQL and Valkey, migrated; an API that answers and a worker. All gone after the block."""
    stack = Stack(world, variant)
    world.engine.docker("network", "create", variant)
    try:
        names = [f"--env=POSTGRES_{name}=app" for name in ("USER", "PASSWORD", "DB")]
        stack.start("postgres", _image(world, "postgres"), "--network-alias=postgres", *names)
        stack.start("valkey", _image(world, "valkey"), "--network-alias=valkey", command=("valkey-server", "--save", ""))
        _await_postgres(stack)
        stack.run_once("migrate")
        stack.start_service("api", f"--publish=127.0.0.1:{PORT}:{PORT}")
        stack.start_service("worker")
        stack.await_healthy("api")
        stack.await_healthy("worker")
        yield stack
    finally:
        for part in ("api", "worker", "postgres", "valkey"):
            world.engine.run("rm", "--force", "--volumes", stack.name(part), check=False)
        world.engine.run("network", "rm", variant, check=False)


def _await_postgres(stack: Stack) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    command = ("exec", stack.name("postgres"), "pg_isready", "--host=127.0.0.1", "--username=app")
    while stack.world.engine.run(*command, check=False).returncode != 0:
        assert time.monotonic() < deadline, stack.logs("postgres")
        time.sleep(0.2)


def _variables(variables: Mapping[str, str]) -> list[str]:
    return [f"--env={name}={value}" for name, value in variables.items()]


def _image(world: World, service: str) -> str:
    text = (world.projects["defaults"] / "compose.yaml").read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.strip().startswith("image:") and service in line)
