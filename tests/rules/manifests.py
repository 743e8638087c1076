"""Manifests that rules look at, and the rules' registry."""

from dataclasses import dataclass, field
from typing import Any

from tests.kubernetes.overlays import Manifest
from tests.rules.registry import Registry


@dataclass(frozen=True)
class Environment:
    """The manifests of one environment: those of each release, and those that an administrator applies once."""

    manifests: list[Manifest] = field(default_factory=list)
    access: list[Manifest] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        """Kinds that are there."""
        return {manifest["kind"] for manifest in [*self.manifests, *self.access]}


MANIFESTS: Registry[Environment] = Registry()


def manifest(kind: str, name: str = "api", version: str = "v1", *, annotations: dict[str, str] | None = None, **parts: Any) -> Manifest:
    """A manifest of the fewest words: the broken examples."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "annotations": annotations or {}}, **parts}


def workload(kind: str = "Deployment", *, grace: int = 30, pod: dict[str, Any] | None = None, **container: Any) -> Manifest:
    """A workload of one container."""
    spec = {"terminationGracePeriodSeconds": grace, "containers": [{"name": "api", **container}], **(pod or {})}
    return manifest(kind, spec={"template": {"metadata": {"labels": {"app": "api"}}, "spec": spec}})
