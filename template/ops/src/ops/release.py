"""A release: preparation, migration, routing, rollout.

Each step can be repeated, so an interrupted deploy is simply run again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ops import job
from ops import manifests as stages
from ops.errors import OpsError
from ops.history import History
from ops.kubectl import Cluster
from ops.manifests import Manifest

# Replicas of a first deploy, once. After that the autoscalers own the count.
FIRST_REPLICAS = {"api": 3, "worker": 2}
# Beyond the Job's own deadline of 600 s: pulling its image and starting it.
MIGRATION_SECONDS = 900
# A Deployment gives up by itself after 600 s without progress; a large one takes several steps.
ROLLOUT_SECONDS = 1200
_REVISION = "deployment.kubernetes.io/revision"
_STAGES = {"preparation": stages.preparation, "routing": stages.routing, "workload": stages.workload}


class Release:
    """Brings rendered manifests into a cluster. `say` takes lines for the person who watches."""

    def __init__(
        self,
        cluster: Cluster,
        manifests: Sequence[Manifest],
        say: Callable[[str], None],
        *,
        poll: float = job.POLL_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._manifests = manifests
        self._say = say
        self._poll = poll
        self._reached: list[str] = []
        self._left: list[str] = []

    def run(self) -> None:
        """All steps in order. Raises OpsError; nothing is rolled out when the migration fails."""
        self.prepare()
        self.migrate()
        self.route()
        self.roll_out()

    def roll_back(self) -> None:
        """All steps but the migration: older code runs on the newer schema. Raises OpsError."""
        self.prepare()
        self.route()
        self.roll_out()

    def prepare(self) -> None:
        """Apply what the migration's pod needs: settings, secrets, accounts, policies."""
        self._apply("preparation")

    def diff(self) -> str:
        """What `run` would change; the migration's Job, which is new each time, left out."""
        return self._cluster.diff([manifest for stage in _STAGES.values() for manifest in stage(self._manifests)])

    def ensure_namespace(self) -> None:
        """Raise OpsError when there is none: the deploy's role may not create it, an administrator's may."""
        namespace = stages.namespace(self._manifests)
        if self._cluster.exists("namespace", namespace["metadata"]["name"]):
            return
        try:
            self._cluster.apply([namespace])
        except OpsError as error:
            raise OpsError(f"{error}\nAn administrator creates it once: kubectl apply -k deploy/access") from None

    def _apply(self, stage: str) -> None:
        manifests = _STAGES[stage](self._manifests)
        # Noted first: one that broke off in the middle has changed something too.
        self._reached.append(stage)
        self._cluster.apply(manifests)
        self._say(f"{stage}: {', '.join(stages.describe(manifest) for manifest in manifests)}")

    def restore(self, before: Sequence[Manifest]) -> None:
        """Apply what the release before had, as far as this one came. Raises OpsError.

        Where `undo_rollout` has brought its pods back, equal manifests start nothing.
        """
        for stage in self._reached:
            self._cluster.apply(_STAGES[stage](before))
        if self._left and not before:
            raise OpsError(f"{', '.join(self._left)} may still run the new release")
        if before and self._reached:
            self._say(f"the release before is in place again: {', '.join(self._reached)}")

    def migrate(self) -> None:
        """Run the migration and wait for it. A complete one is not run again, a failed one is. Raises OpsError."""
        migration = stages.migration(self._manifests)
        name = migration["metadata"]["name"]
        outcome = job.outcome(self._cluster.get("job", name))
        if outcome == job.FAILED:
            self._cluster.delete("job", name)
        if outcome != job.COMPLETE:
            self._cluster.apply([migration])
            outcome = job.wait(self._cluster, name, MIGRATION_SECONDS, self._poll)
        if outcome != job.COMPLETE:
            raise OpsError(f"migration {name}: {outcome}. Nothing was rolled out.\n{self._cluster.logs(f'job/{name}')}")
        self._say(f"migration: {name} is complete")

    def route(self) -> None:
        """Apply Services and Ingress."""
        self._apply("routing")

    def roll_out(self) -> None:
        """Apply the rest and wait until every Deployment is up. Raises OpsError once the old pods are put back."""
        names = stages.deployments(self._manifests)
        before = self.deployments()
        try:
            self._apply("workload")
            self._give_first_replicas(names)
            self._wait(names)
        except BaseException:
            self.undo_rollout(before)
            raise

    def _give_first_replicas(self, names: Sequence[str]) -> None:
        """Scale up while no release has arrived yet: also the first deploy that broke off and is run again."""
        if History(self._cluster).has_arrived():
            return
        for name, replicas in FIRST_REPLICAS.items():
            if name in names and self._replicas(name) < replicas:
                self._cluster.scale(name, replicas)

    def _replicas(self, name: str) -> int:
        deployment = self._cluster.get("deployment", name) or {}
        return int((deployment.get("spec") or {}).get("replicas", 0))

    def _wait(self, names: Sequence[str]) -> None:
        for name in names:
            self._cluster.rolled_out(name, ROLLOUT_SECONDS)
            self._say(f"rollout: {name} is up")

    def deployments(self) -> dict[str, dict[str, Any] | None]:
        """The Deployments of this release as the cluster holds them: what `undo_rollout` takes."""
        return {name: self._cluster.get("deployment", name) for name in stages.deployments(self._manifests)}

    def undo_rollout(self, before: Mapping[str, dict[str, Any] | None]) -> None:
        """Bring Deployments back to the pods that they had. One that did not exist stays, for its logs.

        What fails is said, and not raised: why the release failed is what counts.
        """
        for name, deployment in before.items():
            if revision := _revision(deployment):
                try:
                    self._cluster.undo(name, revision)
                except OpsError as error:
                    self._left.append(name)
                    self._say(f"rollout: {name} is not put back: {error}")
                else:
                    self._say(f"rollout: {name} is put back to its revision {revision}")


def _revision(deployment: dict[str, Any] | None) -> str:
    """Number of the pods' template; empty for a Deployment that does not exist."""
    found: str = ((deployment or {}).get("metadata") or {}).get("annotations", {}).get(_REVISION, "")
    return found
