"""The manifests that an administrator applies once for a service: `deploy/access`, with the namespace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.cluster import LABEL, SELECTOR, Cluster
from tests.kubernetes.overlays import Manifest, kustomize

# A namespace is deleted once its pods have stopped, and workers use their grace period.
GONE_SECONDS = 420


def access_of(project: Path) -> list[Manifest]:
    """The manifests of `deploy/access`, with the label by which the next run removes what this one leaves."""
    manifests = kustomize(project / "deploy/access")
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            manifest["metadata"].setdefault("labels", {}).update(LABEL)
    return manifests


@contextmanager
def access(cluster: Cluster, project: Path) -> Iterator[str]:
    """The namespace of a project's service, with the deployers' rights in it, for the block.

    PriorityClasses stay: other services of a cluster use the same.
    """
    manifests = access_of(project)
    (name,) = [manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Namespace"]
    refuse_foreign(cluster, name)
    remove(cluster, name)
    cluster.apply(manifests)
    try:
        yield name
    finally:
        remove(cluster, name, wait=False)


def refuse_foreign(cluster: Cluster, name: str) -> None:
    """Fail when somebody else's namespace has the name: the suite would delete it."""
    every = {each["metadata"]["name"] for each in cluster.items("namespaces")}
    own = {each["metadata"]["name"] for each in cluster.items("namespaces", f"--selector={SELECTOR}")}
    assert name not in every - own, f"the cluster has a namespace {name} that is not this suite's"


def remove(cluster: Cluster, name: str, *, wait: bool = True) -> None:
    """Delete a namespace, and wait until it is gone."""
    options = ("--ignore-not-found", f"--timeout={GONE_SECONDS}s", f"--wait={str(wait).lower()}")
    cluster.kubectl("delete", "namespace", name, *options, timeout=GONE_SECONDS + 30)
