"""The manifests of the release that runs, kept in the cluster: what a release that fails gives way to.

Beside its digests, that is the overlay as it was rendered then: settings, policies, routes and autoscalers.
"""

from collections.abc import Sequence

import yaml

from ops.kubectl import Cluster
from ops.manifests import Manifest, describe

NAME = "deploy-manifests"


class Snapshot:
    """The ConfigMap of one environment. It holds no secret: manifests name them alone."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def read(self) -> list[Manifest]:
        """What the last release that arrived consists of; empty before the first one."""
        found = self._cluster.get("configmap", NAME)
        return list(yaml.safe_load_all(found["data"]["manifests"])) if found else []

    def write(self, manifests: Sequence[Manifest]) -> None:
        """Keep a release that has arrived."""
        data = {"manifests": yaml.safe_dump_all(manifests, sort_keys=False)}
        self._cluster.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}])

    def gone(self, manifests: Sequence[Manifest]) -> list[str]:
        """What the last release had and these manifests have not, as kind/name.

        Generated ConfigMaps are left out: a release that is restored finds its values in them.
        """
        present = {describe(manifest) for manifest in manifests}
        before = [describe(manifest) for manifest in self.read() if manifest["kind"] != "ConfigMap"]
        return [name for name in before if name not in present]
