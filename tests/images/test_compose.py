"""compose.yaml, unchanged: the whole service comes up, does its work, takes up a change of its sources, and ends."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.images.service import PORT, WAIT_SECONDS, Service
from tests.images.world import VARIANTS, World

pytestmark = pytest.mark.slow

PARTS = ("postgres", "valkey", "mailpit", "migrate", "api", "worker")


@dataclass(frozen=True)
class Composition:
    """The project's containers, by compose."""

    world: World
    project: Path
    service: Service

    def compose(self, *arguments: str) -> str:
        return self.world.engine.docker("compose", *arguments, cwd=self.project)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return compose's facts about each container, ended ones too, by service."""
        lines = self.compose("ps", "--all", "--format=json").splitlines()
        return {container["Service"]: container for container in map(json.loads, lines)}

    def await_healthy(self, *parts: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while any((found := self.containers())[part]["Health"] != "healthy" for part in parts):
            assert time.monotonic() < deadline, found
            time.sleep(0.5)


@pytest.fixture(scope="module")
def composition(world: World) -> Iterator[Composition]:
    """`docker compose up` on images that compose built from the same file."""
    project = world.projects["defaults"]
    running = Composition(world, project, Service(world.engine, f"http://127.0.0.1:{PORT}/api"))
    try:
        running.compose("up", "--detach", "--no-build", "--pull=never")
        running.service.await_status("/health/", 200)
        yield running
    finally:
        world.engine.run("compose", "logs", "--tail=200", cwd=project, check=False)
        world.engine.run("compose", "down", "--volumes", "--timeout=5", cwd=project, check=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_compose_accepts_the_files(world: World, variant: str) -> None:
    project = world.projects[variant]
    said = json.loads(world.engine.docker("compose", "config", "--format=json", cwd=project))
    assert set(said["services"]) == set(PARTS) - ({"mailpit"} if VARIANTS[variant] else set())


def test_compose_refuses_a_misspelled_file(world: World, tmp_path: Path) -> None:
    text = (world.projects["defaults"] / "compose.yaml").read_text(encoding="utf-8")
    (tmp_path / "compose.yaml").write_text(text.replace("depends_on:", "depends:"), encoding="utf-8")
    run = world.engine.run("compose", "config", "--quiet", cwd=tmp_path, check=False)
    assert run.returncode != 0
    assert "depends" in run.stderr


def test_every_part_is_up_and_healthy(composition: Composition) -> None:
    composition.await_healthy(*(part for part in PARTS if part != "migrate"))
    migrate = composition.containers()["migrate"]
    assert (migrate["State"], migrate["ExitCode"]) == ("exited", 0)


def test_a_user_registers_and_the_mail_arrives(composition: Composition) -> None:
    new = json.dumps({"email": "tan@example.com", "password": "a long pass phrase", "name": "Tan"})
    answer = composition.service.call("POST", "/v1/users", "--header", "Content-Type: application/json", "--data", new)
    assert answer.status == 201, answer
    catcher = Service(composition.world.engine, "http://127.0.0.1:8025/api")
    deadline = time.monotonic() + WAIT_SECONDS
    while not (mails := catcher.call("GET", "/v1/messages").document["messages"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "tan@example.com" in json.dumps(mails[0])


def test_a_task_runs(composition: Composition) -> None:
    password = ("--env", "USER_PASSWORD=a long pass phrase")
    composition.compose("exec", "--no-TTY", *password, "api", "app", "users", "create", "admin@example.com", "--admin")
    composition.service.log_in("admin@example.com", "a long pass phrase")
    task = composition.service.import_products("name,price_minor,currency\nTea,1250,USD\n")
    assert composition.service.await_task(task)["status"] == "succeeded"


def test_a_change_of_the_sources_is_served_within_seconds(composition: Composition, note: list[str]) -> None:
    """The route of a new feature appears, without a rebuild; and the worker starts again too."""
    assert composition.service.call("GET", "/v1/greeting").status == 404
    feature = composition.project / "src/app/greeting"
    feature.mkdir()
    (feature / "__init__.py").write_text("", encoding="utf-8")
    started = time.monotonic()
    (feature / "feature.py").write_text(GREETING, encoding="utf-8")
    composition.service.await_status("/v1/greeting", 200, seconds=15)
    took = time.monotonic() - started
    note.append(f"compose: a change is served after {took:.1f} s")
    (feature / "feature.py").write_text(GREETING.replace("hello", "good day"), encoding="utf-8")
    deadline = time.monotonic() + 15
    while (answer := composition.service.call("GET", "/v1/greeting")).document.get("says") != "good day":
        # Requests wait for the new process. A request that arrives as the old one exits may get no response, but never a wrong one.
        assert answer.status in {0, 200}
        assert time.monotonic() < deadline
    assert "restarting: files changed" in composition.compose("logs", "--no-log-prefix", "worker")


GREETING = '''"""Greets."""

from fastapi import APIRouter

from app.composition import Feature

router = APIRouter(prefix="/v1/greeting")


@router.get("")
async def greet() -> dict[str, str]:
    """Say hello."""
    return {"says": "hello"}


feature = Feature(name="greeting", router=router)
'''


# This test comes last, because it stops the containers.
def test_compose_ends_them_in_order(composition: Composition, note: list[str]) -> None:
    started = time.monotonic()
    composition.compose("stop")
    note.append(f"compose: stopped within {time.monotonic() - started:.1f} s")
    assert {part: container["ExitCode"] for part, container in composition.containers().items() if part in {"api", "worker"}} == {
        "api": 0,
        "worker": 0,
    }
