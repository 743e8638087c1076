"""The cluster under test, and what every test of it needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster, ready_nodes
from tests.cluster.definitions import definitions


@pytest.fixture(scope="session")
def bare_cluster(pytestconfig: pytest.Config) -> Cluster:
    """The cluster of --kubeconfig, which answers."""
    given = pytestconfig.getoption("--kubeconfig")
    if not given:
        pytest.skip("needs a Kubernetes cluster: --kubeconfig PATH")
    cluster = Cluster(Path(given).resolve())
    assert cluster.kubectl("get", "--raw", "/readyz").strip() == "ok"
    return cluster


@pytest.fixture(scope="session")
def cluster(bare_cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, with the custom resources of the manifests defined."""
    with definitions(bare_cluster):
        yield bare_cluster


@pytest.fixture(scope="session")
def nodes(cluster: Cluster) -> list[str]:
    """The nodes that take pods: two, so that one can be drained."""
    found = ready_nodes(cluster)
    if len(found) < 2:
        pytest.skip(f"needs two nodes that take pods; the cluster has {len(found)}")
    return found
