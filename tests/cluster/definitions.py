"""Definitions of the custom resources that the manifests use. The operators behind them do not run here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.cluster import LABEL, Cluster
from tests.kubernetes.overlays import Manifest
from tests.kubernetes.schemas import CRDS

PLURALS = {"ExternalSecret": "externalsecrets", "SecretStore": "secretstores", "ScaledObject": "scaledobjects"}


def definition(path: Path) -> Manifest:
    """A CustomResourceDefinition of a schema in tests/kubernetes/crds."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    group, _, version = document["apiVersion"].partition("/")
    kind = document["kind"]
    plural = PLURALS[kind]
    # Operators may write any status, and the manifests contain none.
    schema: dict[str, Any] = document["schema"]
    schema["properties"]["status"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "labels": LABEL},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {"name": version, "served": True, "storage": True, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }


@contextmanager
def definitions(cluster: Cluster) -> Iterator[None]:
    """Create the definitions that the cluster lacks, for the block. Those of a real operator stay untouched."""
    wanted = [definition(path) for path in sorted(CRDS.glob("*.yaml"))]
    assert wanted, "no definition to create"
    present = {found["metadata"]["name"]: found["metadata"].get("labels", {}) for found in cluster.items("customresourcedefinitions")}
    own = [each for each in wanted if LABEL.items() <= present.get(each["metadata"]["name"], LABEL).items()]
    names = [f"customresourcedefinition/{each['metadata']['name']}" for each in own]
    if own:
        cluster.apply(own)
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    yield
    if own:
        cluster.kubectl("delete", "--ignore-not-found", "--wait=false", *names)
