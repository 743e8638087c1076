"""Changed secrets reach the pods by a command: fetched first, then pods restarted, and nothing half done."""

import copy
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.modules import let_sleeping_pass_time, ops_module
from tests.kubernetes.overlays import Manifest, select


def failure(name: str) -> Exception:
    """Return the error of a refusal by kubectl."""
    made: Exception = sys.modules["ops.errors"].OpsError(f"{name}: deadline exceeded")
    return made


class Cluster:
    """The default project's objects in a cluster, with External Secrets, which reacts to an annotation."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.calls: list[tuple[str, str]] = []
        self.locked_after: list[int] = []
        self.unreadable = ""
        self.stuck = ""
        self.marks: dict[str, str | None] = {}
        self.held = {
            f"{kind}/{manifest['metadata']['name']}".lower(): copy.deepcopy(manifest)
            for kind in ("Deployment", "ExternalSecret")
            for manifest in select(manifests, kind)
        }
        for key, resource in self.held.items():
            resource["metadata"].setdefault("annotations", {})["deployment.kubernetes.io/revision"] = "7"
            if key.startswith("externalsecret/"):
                self._answer(resource, "2026-01-01T00:00:00Z", "True")

    def _answer(self, secret: dict[str, Any], time: str, status: str) -> None:
        secret["status"] = {"refreshTime": time, "conditions": [{"type": "Ready", "status": status, "message": "AccessDenied: no right"}]}

    def names(self, kind: str) -> list[str]:
        return sorted(key.partition("/")[2] for key in self.held if key.startswith(f"{kind}/"))

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        return copy.deepcopy(self.held.get(f"{kind}/{name}"))

    def annotate(self, kind: str, name: str, key: str, value: str) -> None:
        assert (kind, key) == ("externalsecret", "force-sync")
        self.calls.append(("fetch", name))
        if name == self.unreadable:
            self._answer(self.held[f"{kind}/{name}"], "2026-01-01T00:00:00Z", "False")
        else:
            self._answer(self.held[f"{kind}/{name}"], value, "True")

    def patch(self, kind: str, name: str, change: Any) -> None:
        assert kind == "deployment"
        assert list(change["spec"]["template"]["metadata"]["annotations"]) == ["kubectl.kubernetes.io/restartedAt"]
        (mark,) = change["spec"]["template"]["metadata"]["annotations"].values()
        self.marks[name] = mark
        self.calls.append(("restart" if mark else "unmark", name))

    def rolled_out(self, name: str, _seconds: int) -> bool:
        self.calls.append(("wait", name))
        if name == self.stuck and self.marks[name]:
            raise failure(name)
        return True

    def select(self, *_: object) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def restart(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command's module, in a time that passes without waiting."""
    module = ops_module(render({}), "ops.restart", monkeypatch)
    let_sleeping_pass_time(monkeypatch)
    return module


@pytest.fixture
def cluster(rendered: Rendered) -> Cluster:
    return Cluster(rendered["startup"]["production"])


def test_secrets_are_fetched_before_pods_start_anew(restart: ModuleType, cluster: Cluster) -> None:
    restart.fetch(cluster)
    restart.roll(cluster)
    fetched = [("fetch", name) for name in ("app", "external-api-keys", "migrate")]
    rolled = [("restart", "api"), ("restart", "worker"), ("wait", "api"), ("wait", "worker")]
    assert cluster.calls == [*fetched, *rolled]


def test_what_reads_no_secret_is_left_alone(restart: ModuleType, cluster: Cluster) -> None:
    assert "metrics" in cluster.names("deployment")
    assert list(restart.readers(cluster)) == ["api", "worker"]


def test_a_secret_that_cannot_be_read_is_named_and_restarts_nothing(restart: ModuleType, cluster: Cluster) -> None:
    cluster.unreadable = "external-api-keys"
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="external-api-keys was not fetched within 60 s: AccessDenied"):
        restart.fetch(cluster)
    assert {verb for verb, _ in cluster.calls} == {"fetch"}


def test_a_secret_that_nobody_fetches_is_named(restart: ModuleType, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "annotate", lambda *_: None)
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="secret app was not fetched"):
        restart.fetch(cluster)


def test_pods_that_do_not_come_up_leave_the_old_ones(restart: ModuleType, cluster: Cluster) -> None:
    cluster.stuck = "worker"
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="deadline"):
        restart.roll(cluster)
    assert cluster.calls[-4:] == [("unmark", "api"), ("unmark", "worker"), ("wait", "api"), ("wait", "worker")]


def test_a_restart_that_is_cancelled_leaves_the_old_pods(restart: ModuleType, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str, _seconds: int) -> bool:
        if cluster.marks[name]:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(cluster, "rolled_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        restart.roll(cluster)
    assert cluster.marks == {"api": None, "worker": None}


def test_where_nothing_was_deployed_there_is_nothing_to_fetch(restart: ModuleType, cluster: Cluster) -> None:
    cluster.held = {}
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="nothing was deployed here yet"):
        restart.fetch(cluster)


@pytest.fixture
def run(restart: ModuleType, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Let the command find the fake cluster, and record its actions under the environment's lock."""
    cli = importlib.import_module("ops.cli")
    environments = importlib.import_module("ops.environment")

    @contextmanager
    def lock() -> Iterator[None]:
        cluster.locked_after.append(len(cluster.calls))
        yield

    assert restart.Environment is environments.Environment
    here = SimpleNamespace(cluster=cluster, lock=lock)
    monkeypatch.setattr(environments.Environment, "load", lambda *_, **__: here)
    return lambda *arguments: int(cli.main(["restart", "production", *arguments]))


def test_the_command_works_under_the_environments_lock(
    run: Callable[..., int], cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    assert cluster.locked_after == [0]
    assert [verb for verb, _ in cluster.calls] == ["fetch"] * 3 + ["restart"] * 2 + ["wait"] * 2
    assert "secret: app is fetched" in capsys.readouterr().out


def test_a_dry_run_changes_nothing(run: Callable[..., int], cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--dry-run") == 0
    assert (cluster.calls, cluster.locked_after) == ([], [])
    assert capsys.readouterr().out == "would fetch app, external-api-keys, migrate and restart api, worker\n"


def test_a_failure_is_said_and_ends_with_1(run: Callable[..., int], cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.unreadable = "app"
    assert run() == 1
    assert "secret app was not fetched" in capsys.readouterr().err


def test_the_runbook_names_the_commands(render: Renderer) -> None:
    runbook = (render({}) / "docs/runbooks/rotate-secrets.md").read_text(encoding="utf-8")
    for command in ("restart", "database-roles"):
        assert f"uv run ops {command} ENVIRONMENT" in runbook
