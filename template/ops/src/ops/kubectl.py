"""kubectl: the only module that starts it."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OpsError

# Who owns the fields that the deploy applies. Others (the autoscalers, for one) own theirs, and nobody overwrites them.
FIELD_MANAGER = "deploy"


def kustomize(folder: Path) -> str:
    """Render a kustomization; needs no cluster. Raises OpsError."""
    return _run(["kustomize", str(folder)])


class Cluster:
    """One namespace of one cluster, through a kubeconfig of the deploy's own."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self._namespace = namespace

    def exists(self, kind: str, name: str) -> bool:
        """Whether the resource is there."""
        return self.get(kind, name) is not None

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The resource as the cluster holds it, or None."""
        text = self._kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        found: dict[str, Any] | None = json.loads(text) if text.strip() else None
        return found

    def names(self, kind: str) -> list[str]:
        """Names of all resources of a kind, in order."""
        return sorted(self._kubectl("get", kind, "--output=jsonpath={.items[*].metadata.name}").split())

    def apply(self, manifests: Sequence[object]) -> None:
        """Server-side apply, repeatable. Nothing to apply is nothing to do."""
        if manifests:
            self._kubectl(
                "apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-",
                text=yaml.safe_dump_all(manifests, sort_keys=False),
            )  # fmt: skip

    def diff(self, manifests: Sequence[object]) -> str:
        """What an apply would change, as a unified diff; empty when nothing."""
        return self._kubectl(
            "diff", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-",
            text=yaml.safe_dump_all(manifests, sort_keys=False), accept=(0, 1),
        )  # fmt: skip

    def delete(self, kind: str, name: str) -> None:
        """Delete and wait until it is gone."""
        self._kubectl("delete", kind, name, "--ignore-not-found", "--wait=true")

    def delete_labelled(self, kind: str, label: str) -> None:
        """Delete all with a label, `key=value`, and wait until they are gone."""
        self._kubectl("delete", kind, f"--selector={label}", "--ignore-not-found", "--wait=true")

    def create(self, manifest: object) -> None:
        """Create what is not there. Raises OpsError when it is: of two that try, one succeeds."""
        self._kubectl("create", "--filename=-", text=yaml.safe_dump(manifest, sort_keys=False))

    def patch(self, kind: str, name: str, change: object) -> None:
        """Merge a change in. With a resourceVersion in it, raises OpsError when the resource has moved on."""
        self._kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}")

    def annotate(self, kind: str, name: str, key: str, value: str) -> None:
        """Set one annotation."""
        self._kubectl("annotate", kind, name, f"{key}={value}", "--overwrite")

    def scale(self, deployment: str, replicas: int) -> None:
        """Set the count once; the autoscaler owns it from then on."""
        self._kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}")

    def rolled_out(self, deployment: str, seconds: int) -> None:
        """Wait for the rollout. Raises OpsError when it does not end in time."""
        self._kubectl("rollout", "status", f"deployment/{deployment}", f"--timeout={seconds}s")

    def undo(self, deployment: str, revision: str) -> None:
        """Put the pods of an earlier revision back; its ConfigMaps are still there, each under its own name."""
        self._kubectl("rollout", "undo", f"deployment/{deployment}", f"--to-revision={revision}")

    def logs(self, resource: str) -> str:
        """The last lines that it wrote, or why there are none."""
        try:
            return self._kubectl("logs", resource, "--tail=50")
        except OpsError as error:
            return str(error)

    def _kubectl(self, *arguments: str, text: str = "", accept: Sequence[int] = (0,)) -> str:
        return _run(
            [f"--namespace={self._namespace}", *arguments], text=text, accept=accept, environment=self._environment
        )


def _run(
    arguments: list[str], *, text: str = "", accept: Sequence[int] = (0,), environment: dict[str, str] | None = None
) -> str:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise OpsError("kubectl is not on PATH")
    done = subprocess.run(  # noqa: S603  no shell, and the arguments are the deploy's own
        [kubectl, *arguments], input=text, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode not in accept:
        raise OpsError(f"kubectl {' '.join(arguments[:4])} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout
