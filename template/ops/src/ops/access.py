"""The namespace, the rights of the deploy role in it, and the priority classes: an administrator's."""

from pathlib import Path
from typing import Any

import yaml

from ops.kubectl import Cluster, kustomize


def manifests(root: Path) -> list[dict[str, Any]]:
    """What deploy/access renders."""
    return [document for document in yaml.safe_load_all(kustomize(root / "deploy" / "access")) if document]


def missing(cluster: Cluster, root: Path) -> list[str]:
    """Kind and name of each resource that is not there."""
    named = [(each["kind"], each["metadata"]["name"]) for each in manifests(root)]
    return [f"{kind}/{name}" for kind, name in named if not cluster.exists(kind, name)]


def grant(cluster: Cluster, root: Path) -> None:
    """Apply deploy/access. Raises OpsError."""
    documents = manifests(root)
    # The namespace first: the others live in it.
    cluster.apply([each for each in documents if each["kind"] == "Namespace"])
    cluster.apply([each for each in documents if each["kind"] != "Namespace"])
