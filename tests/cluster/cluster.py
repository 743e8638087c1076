"""kubectl on the cluster under test, always by an explicit kubeconfig: never in the caller's current context."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from tests.harness import required
from tests.kubernetes.overlays import Manifest

# Marks everything that the suite creates outside its namespaces, so that the next run finds what a killed run left behind.
LABEL = {"app.kubernetes.io/managed-by": "sampan-cluster-tests"}
SELECTOR = ",".join(f"{key}={value}" for key, value in LABEL.items())


@dataclass(frozen=True)
class Cluster:
    """One cluster, as its administrator or, with `user`, as somebody whom the administrator impersonates."""

    kubeconfig: Path
    user: tuple[str, ...] = ()

    def impersonate(self, group: str) -> "Cluster":
        """The same cluster as a member of one group."""
        return Cluster(self.kubeconfig, (f"--as={group}-member", f"--as-group={group}", "--as-group=system:authenticated"))

    def command(self, *arguments: str) -> list[str]:
        """The arguments of a process."""
        return [required("kubectl"), f"--kubeconfig={self.kubeconfig}", *self.user, *arguments]

    def run(self, *arguments: str, text: str | None = None, timeout: float = 300) -> CompletedProcess[str]:
        """`kubectl …`, whatever its exit status."""
        return subprocess.run(self.command(*arguments), input=text, capture_output=True, text=True, check=False, timeout=timeout)

    def kubectl(self, *arguments: str, text: str | None = None, timeout: float = 300) -> str:
        """Standard output of `kubectl …`. A failure fails the test with the reason."""
        run = self.run(*arguments, text=text, timeout=timeout)
        if run.returncode != 0:
            pytest.fail(f"kubectl {' '.join(arguments)} ended with {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}")
        return run.stdout

    def apply(self, manifests: Iterable[Manifest], *arguments: str) -> str:
        """Server-side apply under a field manager of the suite's own."""
        text = yaml.safe_dump_all(manifests, sort_keys=False)
        return self.kubectl("apply", "--server-side", "--field-manager=suite", *arguments, "--filename=-", text=text)

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get … --output=json`."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return found

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The resources of a list."""
        found: list[dict[str, Any]] = self.get(*arguments)["items"]
        return found

    def await_true(self, what: str, condition: Callable[[], object], seconds: float, poll: float = 1) -> None:
        """Poll until a condition holds. The test fails with `what` otherwise."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"after {seconds:g} s: {what}"
            time.sleep(poll)


def ready_nodes(cluster: Cluster) -> list[str]:
    """Names of the nodes that take pods."""
    nodes = [node for node in cluster.items("nodes") if not node["spec"].get("unschedulable") and not _closed(node)]
    return [node["metadata"]["name"] for node in nodes if _is_ready(node["status"].get("conditions", []))]


def _closed(node: Mapping[str, Any]) -> bool:
    return any(taint["effect"] in {"NoSchedule", "NoExecute"} for taint in node["spec"].get("taints", []))


def _is_ready(conditions: Sequence[Mapping[str, Any]]) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
