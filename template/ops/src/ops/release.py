"""A release: preparation, migration, routing, rollout.

Each step can be repeated, so an interrupted deploy is simply run again.
"""

from collections.abc import Callable, Sequence

from ops import job, load_balancer, ownership, rollout
from ops import manifests as stages
from ops.errors import OpsError
from ops.history import History
from ops.kubectl import Cluster
from ops.manifests import Manifest

# Replicas of the first deploy. After that the autoscalers set the number.
FIRST_REPLICAS = {"api": 3, "worker": 2}
# Deadline of the Job (600 s), plus time to pull its image and start it.
MIGRATION_SECONDS = 900
# SecretStore of the service (deploy/access/secret-store.yaml).
STORE = "secrets-manager"
_STAGES = {"preparation": stages.preparation, "routing": stages.routing, "workload": stages.workload}


class Release:
    """Brings rendered manifests into a cluster. `say` receives progress lines.

    `render_for` renders them again for the load balancer's name, where that is the service's address and is not known
    yet.
    """

    def __init__(
        self,
        cluster: Cluster,
        manifests: Sequence[Manifest],
        say: Callable[[str], None],
        *,
        poll: float = job.POLL_SECONDS,
        render_for: Callable[[str], Sequence[Manifest]] | None = None,
    ) -> None:
        self._cluster = cluster
        self._manifests = manifests
        self._render_for = render_for
        self._say = say
        self._poll = poll
        self._reached: list[str] = []

    @property
    def manifests(self) -> Sequence[Manifest]:
        """The manifests of the release, as last rendered."""
        return self._manifests

    def run(self) -> None:
        """Run all steps in order. Raises OpsError. If the migration fails, nothing is rolled out."""
        self.prepare()
        self.migrate()
        self.route()
        self.roll_out()

    def roll_back(self) -> None:
        """Run all steps except the migration: older code runs on the newer schema. Raises OpsError."""
        self.prepare()
        self.route()
        self.roll_out()

    def prepare(self) -> None:
        """Apply the objects that the migration's pod needs: settings, secrets, accounts, policies."""
        self._apply("preparation")

    def diff(self) -> str:
        """Return the changes that `run` would make, without the migration's Job, which is new each time."""
        manifests = [manifest for stage in _STAGES.values() for manifest in stage(self._manifests)]
        others = ownership.written_by_others(self._cluster, manifests)
        return "\n".join([*filter(None, [self._cluster.diff(manifests)]), *(f"would remove {line}" for line in others)])

    def ensure_access(self) -> None:
        """Raise OpsError if an administrator has not created the namespace or the SecretStore yet."""
        namespace = stages.namespace(self._manifests)["metadata"]["name"]
        for kind, name in (("namespace", namespace), ("secretstore", STORE)):
            if not self._cluster.exists(kind, name):
                command = "uv run ops access ENVIRONMENT"
                raise OpsError(f"there is no {kind} {name}. An administrator makes it once: {command}")

    def _apply(self, stage: str) -> None:
        # Recorded first, because an interrupted apply has changed something too.
        self._reached.append(stage)
        self._apply_manifests(stage, _STAGES[stage](self._manifests))

    def _apply_manifests(self, stage: str, manifests: Sequence[Manifest]) -> None:
        ownership.adopt(self._cluster, manifests)
        self._cluster.apply(manifests)
        self._say(f"{stage}: {', '.join(stages.describe(manifest) for manifest in manifests)}")

    def restore(self, before: Sequence[Manifest]) -> None:
        """Apply the previous release in the stages that this one reached, and wait for its pods. Raises OpsError."""
        if not self._reached:
            return
        if not before:
            if "workload" in self._reached and History(self._cluster).has_arrived():
                raise OpsError("no manifests of the previous release are kept: its pods may have the new release's")
            return
        for stage in self._reached:
            self._cluster.apply(_STAGES[stage](before))
        if "workload" in self._reached:
            self._say("rollout: the previous release is applied again, waiting for its pods")
            self._wait(stages.deployments(before))
        self._say(f"the previous release is in place again: {', '.join(self._reached)}")

    def migrate(self) -> None:
        """Run the migration and wait for it. A failed one is run again, a completed one is not. Raises OpsError."""
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
        """Apply Services and Ingress; wait until the load balancer has a name and target groups. Raises OpsError."""
        self._apply("routing")
        name = load_balancer.wait(self._cluster, self._say)
        if self._render_for is not None:
            # The host name of a first release without a domain is known only now.
            self._manifests, self._render_for = self._render_for(name), None
            self.prepare()

    def roll_out(self) -> None:
        """Apply the remaining objects: first the API, and once it is up, the workers. Raises OpsError.

        So no worker of a release runs before its API is known to be good. Pods of the previous release leave only when
        new ones are ready, of API and worker alike.
        """
        serving, working = stages.in_order(stages.workload(self._manifests))
        self._reached.append("workload")
        for manifests in (serving, working):
            self._apply_manifests("workload", manifests)
            names = stages.deployments(manifests)
            self._give_first_replicas(names)
            self._wait(names)
            if load_balancer.INGRESS in names:
                load_balancer.require_healthy_target(self._cluster, load_balancer.INGRESS, self._say)

    def _give_first_replicas(self, names: Sequence[str]) -> None:
        """Scale up until a release has come up, also if the first deploy was interrupted and is run again."""
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
            rollout.wait(self._cluster, name, self._say)
            self._say(f"rollout: {name} is up")
