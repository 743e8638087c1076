"""A release: preparation, migration, routing, rollout.

Each step can be repeated, so an interrupted deploy is simply run again.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from deploy import manifests as stages
from deploy.failure import DeployError
from deploy.kubectl import Cluster
from deploy.manifests import Manifest

# Replicas of a first deploy, until the autoscaler has measured something.
FIRST_REPLICAS = {"api": 3, "worker": 2}
# Beyond the Job's own deadline of 600 s: pulling its image and starting it.
MIGRATION_SECONDS = 900
# A Deployment gives up by itself after 600 s without progress; a large one takes several steps.
ROLLOUT_SECONDS = 1200
POLL_SECONDS = 3.0


class Release:
    """Brings rendered manifests into a cluster. `say` takes lines for the person who watches."""

    def __init__(
        self,
        cluster: Cluster,
        manifests: Sequence[Manifest],
        say: Callable[[str], None],
        *,
        poll: float = POLL_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._manifests = manifests
        self._say = say
        self._poll = poll

    def run(self) -> None:
        """All steps in order. Raises DeployError; nothing is rolled out when the migration fails."""
        self.prepare()
        self.migrate()
        self.route()
        self.roll_out()

    def prepare(self) -> None:
        """Apply what the migration's pod needs: settings, secrets, accounts, policies."""
        self._ensure_namespace()
        self._apply("preparation", stages.preparation(self._manifests))

    def diff(self) -> str:
        """What `run` would change; the migration's Job, which is new each time, left out."""
        return self._cluster.diff(
            [
                *stages.preparation(self._manifests),
                *stages.routing(self._manifests),
                *stages.workload(self._manifests),
            ]
        )

    def _ensure_namespace(self) -> None:
        """The deploy's role may not create a namespace; an administrator's may."""
        namespace = stages.namespace(self._manifests)
        if self._cluster.exists("namespace", namespace["metadata"]["name"]):
            return
        try:
            self._cluster.apply([namespace])
        except DeployError as error:
            raise DeployError(f"{error}\nAn administrator creates it once: kubectl apply -k deploy/access") from None

    def _apply(self, name: str, manifests: Sequence[Manifest]) -> None:
        self._cluster.apply(manifests)
        self._say(f"{name}: {', '.join(stages.describe(manifest) for manifest in manifests)}")

    def migrate(self) -> None:
        """Run the migration and wait for it. A complete one is not run again, a failed one is. Raises DeployError."""
        job = stages.migration(self._manifests)
        name = job["metadata"]["name"]
        outcome = _outcome(self._cluster.get("job", name))
        if outcome == "Failed":
            self._cluster.delete("job", name)
        if outcome != "Complete":
            self._cluster.apply([job])
            outcome = self._wait_for(name)
        if outcome != "Complete":
            raise DeployError(
                f"migration {name}: {outcome}. Nothing was rolled out.\n{self._cluster.logs(f'job/{name}')}"
            )
        self._say(f"migration: {name} is complete")

    def _wait_for(self, name: str) -> str:
        deadline = time.monotonic() + MIGRATION_SECONDS
        while time.monotonic() < deadline:
            if outcome := _outcome(self._cluster.get("job", name)):
                return outcome
            time.sleep(self._poll)
        return f"not done after {MIGRATION_SECONDS} s"

    def route(self) -> None:
        """Apply Services and Ingress."""
        self._apply("routing", stages.routing(self._manifests))

    def roll_out(self) -> None:
        """Apply the rest and wait until every Deployment is up. Raises DeployError; the old pods then still serve."""
        names = stages.deployments(self._manifests)
        new = [name for name in names if not self._cluster.exists("deployment", name)]
        self._apply("workload", stages.workload(self._manifests))
        for name in new:
            if name in FIRST_REPLICAS:
                self._cluster.scale(name, FIRST_REPLICAS[name])
        for name in names:
            self._cluster.rolled_out(name, ROLLOUT_SECONDS)
            self._say(f"rollout: {name} is up")


def _outcome(job: dict[str, Any] | None) -> str:
    """Complete, Failed, or empty while the Job runs or when there is none."""
    conditions = (job or {}).get("status", {}).get("conditions", [])
    ended = [c["type"] for c in conditions if c["status"] == "True" and c["type"] in ("Complete", "Failed")]
    return ended[0] if ended else ""
