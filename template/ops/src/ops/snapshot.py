"""The manifests of the running release, kept in the cluster: a failed release is rolled back to them.

Beside its digests, that is the overlay as rendered then: settings, policies, routes and autoscalers.
"""

from collections.abc import Sequence

import yaml

from ops.kubectl import Cluster
from ops.manifests import Manifest, describe

NAME = "deploy-manifests"


class Snapshot:
    """The ConfigMap of one environment. It contains no secrets: manifests only refer to them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def read(self) -> list[Manifest]:
        """Return the manifests of the last successful release; empty before the first."""
        found = self._cluster.get("configmap", NAME)
        return list(yaml.safe_load_all(found["data"]["manifests"])) if found else []

    def write(self, manifests: Sequence[Manifest]) -> None:
        """Store the manifests of a successful release."""
        data = {"manifests": yaml.safe_dump_all(manifests, sort_keys=False)}
        self._cluster.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}])

    def gone(self, manifests: Sequence[Manifest]) -> list[str]:
        """Return the objects of the last release that these manifests lack, as kind/name.

        Generated ConfigMaps are left out: a release that is restored finds its values in them.
        """
        present = {describe(manifest) for manifest in manifests}
        before = [describe(manifest) for manifest in self.read() if manifest["kind"] != "ConfigMap"]
        return [name for name in before if name not in present]
