"""A release: preparation, migration, routing, rollout.

Each step can be repeated, so an interrupted deploy is simply run again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from deploy import clock
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
_REVISION = "deployment.kubernetes.io/revision"


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

    def go_back(self) -> None:
        """All steps but the migration: older code runs on the newer schema. Raises DeployError."""
        self.prepare()
        self.route()
        self.roll_out()

    def prepare(self) -> None:
        """Apply what the migration's pod needs: settings, secrets, accounts, policies."""
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

    def ensure_namespace(self) -> None:
        """Raise DeployError when there is none: the deploy's role may not create it, an administrator's may."""
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
        deadline = clock.now() + timedelta(seconds=MIGRATION_SECONDS)
        while clock.now() < deadline:
            if outcome := _outcome(self._cluster.get("job", name)):
                return outcome
            clock.sleep(self._poll)
        return f"not done after {MIGRATION_SECONDS} s"

    def route(self) -> None:
        """Apply Services and Ingress."""
        self._apply("routing", stages.routing(self._manifests))

    def roll_out(self) -> None:
        """Apply the rest and wait until every Deployment is up. Raises DeployError once the old pods are put back."""
        names = stages.deployments(self._manifests)
        before = self.deployments()
        self._apply("workload", stages.workload(self._manifests))
        for name in names:
            if before[name] is None and name in FIRST_REPLICAS:
                self._cluster.scale(name, FIRST_REPLICAS[name])
        try:
            self._wait(names)
        except DeployError:
            self.put_back(before)
            raise

    def _wait(self, names: Sequence[str]) -> None:
        for name in names:
            self._cluster.rolled_out(name, ROLLOUT_SECONDS)
            self._say(f"rollout: {name} is up")

    def deployments(self) -> dict[str, dict[str, Any] | None]:
        """The Deployments of this release as the cluster holds them: what `put_back` takes."""
        return {name: self._cluster.get("deployment", name) for name in stages.deployments(self._manifests)}

    def put_back(self, before: Mapping[str, dict[str, Any] | None]) -> None:
        """Bring Deployments back to the pods that they had. One that did not exist stays, for its logs."""
        for name, deployment in before.items():
            if revision := _revision(deployment):
                self._cluster.undo(name, revision)
                self._say(f"rollout: {name} is put back to its revision {revision}")


def _revision(deployment: dict[str, Any] | None) -> str:
    """Number of the pods' template; empty for a Deployment that does not exist."""
    found: str = ((deployment or {}).get("metadata") or {}).get("annotations", {}).get(_REVISION, "")
    return found


def _outcome(job: dict[str, Any] | None) -> str:
    """Complete, Failed, or empty while the Job runs or when there is none."""
    conditions = (job or {}).get("status", {}).get("conditions", [])
    ended = [c["type"] for c in conditions if c["status"] == "True" and c["type"] in ("Complete", "Failed")]
    return ended[0] if ended else ""
