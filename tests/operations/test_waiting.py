"""A long wait says that it still waits: on standard error, every 30 s, with the time so far and the limit."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.modules import let_sleeping_pass_time, ops_module
from tests.kubernetes.overlays import VARIANTS

# Ways of waiting that print nothing, or that a test cannot speed up.
SILENT = re.compile(r"^import time|time\.(sleep|monotonic)\(|from time import|\.get_waiter\(|datetime\.now\(|clock\.sleep\(", re.MULTILINE)


@pytest.fixture
def source(render: Renderer) -> Path:
    """The package of a project that has every command."""
    return render(VARIANTS["canary"]) / "ops/src/ops"


@pytest.fixture
def waiting(source: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, on a clock that moves only when something sleeps."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = ops_module(source.parents[2], "ops.waiting", monkeypatch)
    let_sleeping_pass_time(monkeypatch)
    return module


def test_every_wait_of_ops_reports_its_progress(source: Path) -> None:
    """Only `clock` reads the time and sleeps; only `waiting`, which reports, calls it to sleep."""
    found = {
        path.relative_to(source).as_posix(): match.group(0)
        for path in sorted(source.rglob("*.py"))
        if path.name not in ("clock.py", "waiting.py")
        for match in [SILENT.search(path.read_text())]
        if match
    }
    # The failover drill writes a row a second and reports when the database stops and starts to answer. Its clock is a
    # parameter of the same name.
    assert found == {"drills/failover.py": "clock.sleep("}


@pytest.mark.parametrize("text", ["import time\n", "    time.sleep(3)", 'client.get_waiter("x")', "    clock.sleep(POLL_SECONDS)"])
def test_a_silent_wait_is_found(text: str) -> None:
    assert SILENT.search(text)


def test_a_wait_reports_every_half_minute_on_standard_error(waiting: Any, capsys: pytest.CaptureFixture[str]) -> None:
    wait = waiting.Wait("the load balancer", 90)
    looks = 0
    while not wait.is_over:
        looks += 1
        wait.pause(5)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "waiting for the load balancer: 30 s so far, 90 s at most",
        "waiting for the load balancer: 60 s so far, 90 s at most",
        "waiting for the load balancer: 90 s so far, 90 s at most",
    ]
    assert looks == 19


def test_a_short_wait_prints_nothing(waiting: Any, capsys: pytest.CaptureFixture[str]) -> None:
    waiting.Wait("the secret", 60).pause(20)
    assert capsys.readouterr() == ("", "")


def test_a_job_and_a_rollout_report(waiting: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert waiting  # the clock of these modules
    jobs, rollout = importlib.import_module("ops.job"), importlib.import_module("ops.rollout")
    clock = importlib.import_module("ops.clock")

    class Cluster:
        def get(self, _kind: str, _name: str) -> dict[str, Any]:
            return {}

        def rolled_out(self, _name: str, seconds: int) -> bool:
            clock.sleep(seconds)
            return False

        def select(self, _kind: str, _labels: object) -> list[Any]:
            return []

    assert jobs.wait(Cluster(), "migrate", 61) == "not done after 61 s"
    with pytest.raises(importlib.import_module("ops.errors").OpsError, match="not up after 61 s"):
        rollout.wait(Cluster(), "api", lambda _: None, seconds=61)
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        *["waiting for the Job migrate"] * 2,
        *["waiting for the rollout of api"] * 2,
    ]
