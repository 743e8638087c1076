"""kubectl: the only module that starts it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OpsError

# Field manager of the deploy. It does not overwrite fields of other managers, such as the autoscalers.
FIELD_MANAGER = "deploy"
_JSON = "--output=json"
# `kubectl rollout status` prints this when its own --timeout ends, and another message at the Deployment's deadline.
_TIMED_OUT = "timed out waiting for the condition"


def kustomize(folder: Path) -> str:
    """Render a kustomization; needs no cluster. Raises OpsError."""
    return _run(["kustomize", str(folder)])


class Cluster:
    """One namespace of one cluster, through the deploy's own kubeconfig."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self._namespace = namespace

    def exists(self, kind: str, name: str) -> bool:
        """Return whether the resource exists."""
        return self.get(kind, name) is not None

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the resource in the cluster, or None."""
        text = self._kubectl("get", kind, name, "--ignore-not-found", "--output=json")
        found: dict[str, Any] | None = json.loads(text) if text.strip() else None
        return found

    def names(self, kind: str) -> list[str]:
        """Names of all resources of a kind, in order."""
        return sorted(self._kubectl("get", kind, "--output=jsonpath={.items[*].metadata.name}").split())

    def items(self, kind: str) -> list[dict[str, Any]]:
        """Return all resources of a kind in the cluster."""
        found: list[dict[str, Any]] = json.loads(self._kubectl("get", kind, "--output=json")).get("items", [])
        return found

    def apply(self, manifests: Sequence[object]) -> None:
        """Apply manifests server-side. Can be repeated. Does nothing without manifests."""
        if manifests:
            self._kubectl(
                "apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-",
                text=yaml.safe_dump_all(manifests, sort_keys=False),
            )  # fmt: skip

    def diff(self, manifests: Sequence[object]) -> str:
        """Return the changes that an apply would make, as a unified diff; empty when there are none."""
        return self._kubectl(
            "diff", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-",
            text=yaml.safe_dump_all(manifests, sort_keys=False), accept=(0, 1),
        )  # fmt: skip

    def delete(self, kind: str, name: str, *, seconds: int = 0) -> None:
        """Delete an object and wait until it is gone, at most `seconds`. Raises OpsError on a time-out."""
        limit = [f"--timeout={seconds}s"] if seconds else []
        self._kubectl("delete", kind, name, "--ignore-not-found", "--wait=true", *limit)

    def delete_labelled(self, kind: str, label: str) -> None:
        """Delete all with a label, `key=value`, and wait until they are gone."""
        self._kubectl("delete", kind, f"--selector={label}", "--ignore-not-found", "--wait=true")

    def create(self, manifest: object) -> None:
        """Create an object. Raises OpsError if it exists, so that only one of two concurrent callers succeeds."""
        self._kubectl("create", "--filename=-", text=yaml.safe_dump(manifest, sort_keys=False))

    def patch(self, kind: str, name: str, change: object) -> None:
        """Merge a change. If it has a resourceVersion, raise OpsError if the resource has changed since."""
        self._kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps(change)}")

    def annotate(self, kind: str, name: str, key: str, value: str) -> None:
        """Set one annotation."""
        self._kubectl("annotate", kind, name, f"{key}={value}", "--overwrite")

    def scale(self, deployment: str, replicas: int) -> None:
        """Set the count once; the autoscaler owns it from then on."""
        self._kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}")

    def rolled_out(self, deployment: str, seconds: int) -> bool:
        """Wait for the rollout. Return False on a time-out. Raises OpsError if the Deployment has given up."""
        try:
            self._kubectl("rollout", "status", f"deployment/{deployment}", f"--timeout={seconds}s")
        except OpsError as error:
            if _TIMED_OUT not in str(error):
                raise
            return False
        return True

    def select(self, kind: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """All of a kind with these labels, oldest first."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        text = self._kubectl("get", kind, f"--selector={selector}", "--sort-by=.metadata.creationTimestamp", _JSON)
        return _items(text)

    def events(self, name: str, kind: str = "Pod") -> list[dict[str, Any]]:
        """Return the events of an object, oldest first."""
        selector = f"--field-selector=involvedObject.kind={kind},involvedObject.name={name}"
        return _items(self._kubectl("get", "event", selector, "--sort-by=.lastTimestamp", _JSON))

    def held(self, manifests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return these objects from the cluster, with the manager of each field, without missing ones."""
        if not manifests:
            return []
        text = self._kubectl(
            "get", "--filename=-", "--ignore-not-found", "--show-managed-fields", _JSON,
            text=yaml.safe_dump_all(manifests, sort_keys=False),
        )  # fmt: skip
        return _items(text)

    def replace_managed_fields(self, kind: str, name: str, version: str, entries: Sequence[object]) -> None:
        """Change the managers of fields. Raises OpsError if the object has changed since this version."""
        change = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        ]
        self._kubectl("patch", kind, name, "--type=json", f"--patch={json.dumps(change)}")

    def logs(self, resource: str, *, container: str = "", lines: int = 50, previous: bool = False) -> str:
        """Return the last lines of a log, or the reason why there are none."""
        chosen = [f"--container={container}"] if container else []
        try:
            return self._kubectl("logs", resource, f"--tail={lines}", *chosen, *(["--previous"] if previous else []))
        except OpsError as error:
            return str(error)

    def _kubectl(self, *arguments: str, text: str = "", accept: Sequence[int] = (0,)) -> str:
        return _run(
            [f"--namespace={self._namespace}", *arguments], text=text, accept=accept, environment=self._environment
        )


def _items(text: str) -> list[dict[str, Any]]:
    """The objects of kubectl's answer: a list, one object, or nothing."""
    if not text.strip():
        return []
    found: dict[str, Any] = json.loads(text)
    items: list[dict[str, Any]] = found["items"] if found["kind"].endswith("List") else [found]
    return items


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
