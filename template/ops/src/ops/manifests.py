"""The manifests of one environment: rendered in an ignored copy, checked, and split into the stages of a deploy."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from ops import project as projects
from ops.component import component
from ops.contract import Contract
from ops.errors import OpsError
from ops.images import Images
from ops.kubectl import kustomize

# A manifest is any YAML document. Tests validate the rendered ones against Kubernetes' schemas.
Manifest = dict[str, Any]

MIGRATION = "migrate"
WORKER = "worker"
_NAMESPACE = "Namespace"
# Kinds of objects that the migration's pod needs before it can start.
_PREPARATION = {"ConfigMap", "ServiceAccount", "ExternalSecret", "NetworkPolicy"}
# Applied before the pods, because a pod only gets a readiness gate if its Service already has a target group.
_ROUTING = {"Service", "Ingress"}
_PLACEHOLDER = re.compile(r"[\w.@-]*\.invalid\b")


def prepare(project: Path, environment: str, contract: Contract, images: Images, address: str = "") -> Path:
    """Copy `deploy/` to `.deploy/<environment>`, with the contract's component in it. Returns the copy's overlay.

    `address` is the load balancer's name, for a service without a host name of its own.
    """
    known = projects.environments(project)
    if environment not in known:
        raise OpsError(f"there is no overlay {environment}; there is {', '.join(known)}")
    copy = project / ".deploy" / environment
    shutil.rmtree(copy, ignore_errors=True)
    for part in ("namespace", "base", "components", "service", "overlays"):
        shutil.copytree(project / "deploy" / part, copy / part)
    written = component(contract, images, address)
    (copy / "components" / "contract" / "kustomization.yaml").write_text(written, encoding="utf-8")
    return copy / "overlays" / environment


def render(overlay: Path) -> list[Manifest]:
    """Return the overlay's manifests. Raises OpsError for a placeholder without a value."""
    documents = [document for document in yaml.safe_load_all(kustomize(overlay)) if document]
    manifests = [_without_empty_annotations(document) for document in documents]
    if left := sorted({f"{describe(manifest)}: {text}" for manifest in manifests for text in _placeholders(manifest)}):
        raise OpsError("\n".join(["placeholders are left; set them in the overlay's settings.env:", *left]))
    return manifests


def describe(manifest: Manifest) -> str:
    """Kind and name, as kubectl writes them."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def namespace(manifests: Sequence[Manifest]) -> Manifest:
    """The Namespace, which an administrator creates. Raises OpsError when the overlay has none."""
    return _only(manifests, _NAMESPACE)


def migration(manifests: Sequence[Manifest]) -> Manifest:
    """Return the migration's Job. Its name depends on its content, because a Job cannot be changed."""
    job = _only(manifests, "Job", MIGRATION)
    content = json.dumps(job["spec"], sort_keys=True).encode()
    name = f"{MIGRATION}-{hashlib.sha256(content).hexdigest()[:10]}"
    return job | {"metadata": job["metadata"] | {"name": name}}


def preparation(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return the manifests that are applied before the migration."""
    return [manifest for manifest in manifests if manifest["kind"] in _PREPARATION]


def routing(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return the manifests that are applied after the migration and before the pods."""
    return [manifest for manifest in manifests if manifest["kind"] in _ROUTING]


def workload(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return all other manifests: Deployments, their autoscalers, and the project's additions."""
    earlier = {_NAMESPACE, *_PREPARATION, *_ROUTING}
    return [m for m in manifests if m["kind"] not in earlier and describe(m) != f"Job/{MIGRATION}"]


def in_order(manifests: Sequence[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """Return the manifests that are rolled out first, and those of the workers, which follow."""
    working = [manifest for manifest in manifests if describe(manifest) == f"Deployment/{WORKER}"]
    return [manifest for manifest in manifests if manifest not in working], working


def deployments(manifests: Sequence[Manifest]) -> list[str]:
    """Names of the Deployments."""
    return [manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Deployment"]


def _without_empty_annotations(manifest: Manifest) -> Manifest:
    """Remove empty annotations: contracts use empty text for "none", but controllers may treat it as a value."""
    metadata = manifest["metadata"]
    if "annotations" not in metadata:
        return manifest
    annotations = {key: value for key, value in metadata["annotations"].items() if value != ""}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def _only(manifests: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    if len(found) != 1:
        raise OpsError(f"the overlay renders {len(found)} of {'/'.join(filter(None, (kind, name)))}; it takes one")
    return found[0]


def _placeholders(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (text if ": " in text else f"{key}: {text}" for text in _placeholders(item))
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item)
    elif isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
