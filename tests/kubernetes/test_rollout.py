"""How long the deploy waits for pods that do not start: not to the deadline where no waiting helps, and not less where it does."""

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.harness import Renderer
from tests.kubernetes.modules import ops_module

REVISION = {"deployment.kubernetes.io/revision": "2"}
HELD = {"metadata": {"annotations": REVISION}, "spec": {"selector": {"matchLabels": {"app": "api"}}}, "status": {}}


class Cluster:
    """One Deployment with one new pod, whose container goes through `states`, one at each look, and is up after the last."""

    def __init__(self, present: list[datetime], states: list[tuple[str, int]]) -> None:
        self.present = present
        self.states = states
        self.looks = 0

    def rolled_out(self, _name: str, seconds: int) -> bool:
        self.present.append(self.present.pop() + timedelta(seconds=seconds))
        self.looks += 1
        return self.looks > len(self.states)

    def get(self, *_: str) -> dict[str, Any]:
        return HELD

    def select(self, kind: str, labels: dict[str, str]) -> list[dict[str, Any]]:
        assert labels == {"app": "api"}
        if kind == "replicaset":
            old = {"metadata": {"uid": "old", "annotations": {"deployment.kubernetes.io/revision": "1"}}}
            return [old, {"metadata": {"uid": "new", "annotations": REVISION}}]
        reason, restarts = self.states[min(self.looks, len(self.states)) - 1]
        state = {"waiting": {"reason": reason}} if reason else {"running": {}}
        status = {"name": "api", "restartCount": restarts, "ready": False, "state": state}
        # The old pod crashes as well, which must not stop its replacement.
        broken = {"name": "api", "restartCount": 9, "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
        return [
            {
                "metadata": {"name": name, "ownerReferences": [{"uid": owner}]},
                "status": {"phase": "Pending", "containerStatuses": [container]},
            }
            for name, owner, container in (("api-new", "new", status), ("api-old", "old", broken))
        ]

    def events(self, _pod: str) -> list[dict[str, Any]]:
        return []

    def logs(self, *_: str, **__: object) -> str:
        return "the last line"


@pytest.fixture
def present() -> list[datetime]:
    return [datetime(2026, 1, 2, tzinfo=UTC)]


@pytest.fixture
def rollout(render: Renderer, monkeypatch: pytest.MonkeyPatch, present: list[datetime]) -> ModuleType:
    """The module, in a time that passes where kubectl waits."""
    module = ops_module(render({}), "ops.rollout", monkeypatch)
    monkeypatch.setattr("ops.clock.now", lambda: present[0])
    return module


@pytest.mark.parametrize(
    ("states", "looks"),
    [
        ([("CrashLoopBackOff", 1), ("CrashLoopBackOff", 2)] + [("CrashLoopBackOff", 3)] * 50, 2),
        ([("", 1), ("", 2)] + [("", 3)] * 50, 2),
        ([("ErrImagePull", 0), ("ImagePullBackOff", 0)] * 50, 7),
        ([("CreateContainerConfigError", 0)] * 50, 7),
        ([("InvalidImageName", 0)] * 50, 7),
    ],
    ids=["crash loop", "between two crashes", "image", "missing secret", "wrong name"],
)
def test_what_no_waiting_cures_is_stopped_early(
    rollout: ModuleType, present: list[datetime], states: list[tuple[str, int]], looks: int
) -> None:
    """Issue 11, 25. The old revision's pods are not looked at."""
    cluster = Cluster(present, states)
    told: list[str] = []
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="rollout of api: api-new, container api: "):
        rollout.wait(cluster, "api", told.append)
    assert cluster.looks == looks
    assert "api-old" not in "\n".join(told)
    assert "the last line" in "\n".join(told)


@pytest.mark.parametrize(
    "states",
    [
        [("CrashLoopBackOff", 1), ("CrashLoopBackOff", 1), ("", 0)],
        [("CreateContainerConfigError", 0)] * 5,
        [("ErrImagePull", 0), ("ImagePullBackOff", 0), ("ContainerCreating", 0), ("ErrImagePull", 0)],
        [("PodInitializing", 0)] * 100,
    ],
    ids=["one crash", "a secret that comes late", "a registry that fails twice", "a slow node"],
)
def test_what_may_still_come_up_is_waited_for(rollout: ModuleType, present: list[datetime], states: list[tuple[str, int]]) -> None:
    cluster = Cluster(present, states)
    rollout.wait(cluster, "api", lambda _: None)
    assert cluster.looks == len(states) + 1


def test_the_wait_has_an_end(rollout: ModuleType, present: list[datetime]) -> None:
    cluster = Cluster(present, [("PodInitializing", 0)] * 1000)
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="not up after 1200 s"):
        rollout.wait(cluster, "api", lambda _: None)
    assert cluster.looks == 121


def test_no_pod_at_all_is_a_reason_too(rollout: ModuleType, present: list[datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": 'pods "api-x" is forbidden: violates PodSecurity'}
    cluster = Cluster(present, [("", 0)] * 50)
    monkeypatch.setattr(cluster, "get", lambda *_: {**HELD, "status": {"conditions": [refused]}})
    monkeypatch.setattr(cluster, "select", lambda *_: [])
    with pytest.raises(sys.modules["ops.errors"].OpsError, match="violates PodSecurity"):
        rollout.wait(cluster, "api", lambda _: None)
