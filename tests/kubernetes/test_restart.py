"""Changed secrets reach the pods by a command: fetched first, then pods anew, and nothing half done."""

import copy
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.overlays import Manifest, select


def failure(name: str) -> Exception:
    """What the command takes for a refusal of kubectl."""
    made: Exception = sys.modules["deploy.failure"].DeployError(f"{name}: deadline exceeded")
    return made


class Cluster:
    """What the manifests of the default project have become, and External Secrets, which answers to an annotation."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.calls: list[tuple[str, str]] = []
        self.unreadable = ""
        self.stuck = ""
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
        self.calls.append(("restart", name))

    def rolled_out(self, name: str, seconds: int) -> None:
        assert seconds > 600
        self.calls.append(("wait", name))
        if name == self.stuck:
            raise failure(name)

    def undo(self, name: str, revision: str) -> None:
        assert revision == "7"
        self.calls.append(("undo", name))


@pytest.fixture
def restart(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command's module, in a time that passes without waiting."""
    monkeypatch.syspath_prepend(str(render({}) / "deploy/src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "deploy"]:
        monkeypatch.delitem(sys.modules, name)
    module = importlib.import_module("deploy.restart")
    present = [datetime(2026, 1, 2, tzinfo=UTC)]
    monkeypatch.setattr("deploy.clock.now", lambda: present[0])
    monkeypatch.setattr("deploy.clock.sleep", lambda seconds: present.append(present.pop() + timedelta(seconds=seconds)))
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
    with pytest.raises(sys.modules["deploy.failure"].DeployError, match="external-api-keys was not fetched within 60 s: AccessDenied"):
        restart.fetch(cluster)
    assert {verb for verb, _ in cluster.calls} == {"fetch"}


def test_a_secret_that_nobody_fetches_is_named(restart: ModuleType, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "annotate", lambda *_: None)
    with pytest.raises(sys.modules["deploy.failure"].DeployError, match="secret app was not fetched"):
        restart.fetch(cluster)


def test_pods_that_do_not_come_up_leave_the_old_ones(restart: ModuleType, cluster: Cluster) -> None:
    cluster.stuck = "worker"
    with pytest.raises(sys.modules["deploy.failure"].DeployError, match="deadline"):
        restart.roll(cluster)
    assert cluster.calls[-2:] == [("undo", "api"), ("undo", "worker")]


def test_where_nothing_was_deployed_there_is_nothing_to_fetch(restart: ModuleType, cluster: Cluster) -> None:
    cluster.held = {}
    with pytest.raises(sys.modules["deploy.failure"].DeployError, match="nothing was deployed here yet"):
        restart.fetch(cluster)


@pytest.fixture
def place(restart: ModuleType, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command finds the fake cluster; what it does under the environment's lock is noted."""
    held: list[str] = []

    @contextmanager
    def lock() -> Iterator[None]:
        held.append(f"taken after {len(cluster.calls)} calls")
        yield

    monkeypatch.setattr(restart.cli, "place", lambda _: SimpleNamespace(cluster=cluster, lock=lock))
    return held


def test_the_command_works_under_the_environments_lock(
    restart: ModuleType, cluster: Cluster, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert restart.main(["production"]) == 0
    assert place == ["taken after 0 calls"]
    assert [verb for verb, _ in cluster.calls] == ["fetch"] * 3 + ["restart"] * 2 + ["wait"] * 2
    assert "secret: app is fetched" in capsys.readouterr().out


def test_a_dry_run_changes_nothing(restart: ModuleType, cluster: Cluster, place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert restart.main(["production", "--dry-run"]) == 0
    assert (cluster.calls, place) == ([], [])
    assert capsys.readouterr().out == "would fetch app, external-api-keys, migrate and restart api, worker\n"


@pytest.mark.usefixtures("place")
def test_a_failure_is_said_and_ends_with_1(restart: ModuleType, cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.unreadable = "app"
    assert restart.main(["production"]) == 1
    assert "secret app was not fetched" in capsys.readouterr().err


def test_it_is_a_command_of_the_project(render: Renderer) -> None:
    project = render({})
    assert 'restart = "deploy.restart:main"' in (project / "deploy/pyproject.toml").read_text(encoding="utf-8")
    runbook = (project / "docs/runbooks/rotate-secrets.md").read_text(encoding="utf-8")
    for command in ("restart", "database-roles"):
        assert f"uv run {command} ENVIRONMENT" in runbook
