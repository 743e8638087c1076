"""The steps of a canary: raise the share, watch, and then continue or roll back."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops import clock, rollout
from ops.canary.metrics import Metrics
from ops.canary.verdict import Outcome, Reading, judge
from ops.canary.weights import CANARY, STABLE, Weights
from ops.environment import Target
from ops.errors import LockLostError, OpsError
from ops.kubectl import Cluster
from ops.lock import Lock
from ops.manifests import Manifest
from ops.output import say
from ops.rollback import TEMPORARY
from ops.waiting import Wait

# At least the autoscaler's minimum, and more as the share grows. Nodes and connections are sized for this surge.
LEAST_REPLICAS, MOST_REPLICAS = 2, 5
BAKE_SECONDS = 300.0
MINIMUM_REQUESTS = 100
# CloudWatch publishes the metrics of a minute one to two minutes later.
POLL_SECONDS = 30.0
# With too little traffic, a step is extended to this many times the bake time.
EXTENSIONS = 3
_NAME = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to watch a share (seconds), the requests that a verdict needs, and whether to continue without one."""

    bake: float
    minimum: int
    goes_on: bool


def canary_of(manifests: Sequence[Manifest]) -> Manifest:
    """Return the Deployment of the canary: the rendered `api` under another name, otherwise unchanged."""
    stable = next((m for m in manifests if (m["kind"], m["metadata"]["name"]) == ("Deployment", STABLE)), None)
    if stable is None:
        raise OpsError(f"the overlay renders no Deployment {STABLE}")
    canary = copy.deepcopy(stable)
    spec = canary["spec"]
    canary["metadata"]["name"] = CANARY
    spec["replicas"] = LEAST_REPLICAS
    constraints = spec["template"]["spec"].get("topologySpreadConstraints", [])
    for labels in (
        canary["metadata"]["labels"],
        spec["selector"]["matchLabels"],
        spec["template"]["metadata"]["labels"],
        *(constraint["labelSelector"]["matchLabels"] for constraint in constraints),
    ):
        labels[_NAME] = CANARY
    key, _, value = TEMPORARY.partition("=")
    canary["metadata"]["labels"][key] = value
    return canary


class CanaryRelease:
    """One release in steps, on one environment."""

    def __init__(self, target: Target, weights: Weights, metrics: Metrics, lock: Lock) -> None:
        self._target = target
        self._cluster = target.environment.cluster
        self._release = target.release
        self._weights = weights
        self._metrics = metrics
        self._lock = lock
        self._baseline = Reading(0, 0, None)

    def run(self, steps: Sequence[int], patience: Patience) -> None:
        """Raise the share step by step, then roll out. Raises OpsError after all traffic has returned."""
        self._release.prepare()
        self._release.migrate()
        self._release.route()
        # Also if an interrupted first deploy is repeated: its pods have never served.
        if not (self._target.environment.history.has_arrived() and self._cluster.exists("deployment", STABLE)):
            say("a first release has nothing to be compared with: it is rolled out at once")
            self._release.roll_out()
            return
        replicas = self._replicas()
        try:
            self._try(steps, patience, replicas)
            self._release.roll_out()
            # The autoscaler removed stable pods while the canary had half of the traffic.
            self._at_least(replicas)
        except LockLostError:
            raise
        except BaseException:
            self.withdraw(self._cluster, self._weights)
            self._at_least(replicas)
            raise
        self.withdraw(self._cluster, self._weights)
        self._watch_the_whole(patience)

    @staticmethod
    def withdraw(cluster: Cluster, weights: Weights) -> None:
        """Set the weight to 0, verify it at the load balancer, then delete the pods."""
        weights.set(0)
        cluster.delete("deployment", CANARY)
        say(f"canary: 0 %, all traffic is on {STABLE}")

    def _try(self, steps: Sequence[int], patience: Patience, replicas: int) -> None:
        # Pods of an interrupted release must not get the new pods' traffic, nor count in their metrics.
        self._weights.set(0)
        self._cluster.apply([canary_of(self._release.manifests)])
        for percent in steps:
            self._lock.renew()
            wanted = math.ceil(replicas * percent / 100)
            self._cluster.scale(CANARY, min(max(wanted, LEAST_REPLICAS), MOST_REPLICAS))
            rollout.wait(self._cluster, CANARY, say)
            self._weights.set(percent)
            say(f"canary: {percent} %, seen in the load balancer")
            self._bake(percent, patience)
        self._lock.renew()

    def _bake(self, percent: int, patience: Patience) -> None:
        """Watch one share. Raises OpsError if the canary is worse, or without enough requests for a verdict."""
        canary, stable = self._weights.target_group(CANARY), self._weights.target_group(STABLE)
        start, waiting = clock.now(), Wait(f"the canary at {percent} %", patience.bake * EXTENSIONS)
        while True:
            self._wait(start, patience, waiting)
            # All pods must still be up, and the share unchanged.
            rollout.wait(self._cluster, CANARY, say, seconds=30)
            self._weights.verify(percent)
            tried = self._metrics.read(canary, start, clock.now())
            self._baseline = self._metrics.read(stable, start, clock.now())
            if self._decided(f"canary at {percent} %", tried, start, patience):
                return

    def _watch_the_whole(self, patience: Patience) -> None:
        """The step to 100 %: compare all traffic with the old pods. Raises OpsError if the release is worse."""
        group, start = self._weights.target_group(STABLE), clock.now()
        waiting = Wait("the release at 100 %", patience.bake * EXTENSIONS)
        while True:
            self._wait(start, patience, waiting)
            tried = self._metrics.read(group, start, clock.now())
            if self._decided("release at 100 %", tried, start, patience):
                return

    def _decided(self, what: str, tried: Reading, start: datetime, patience: Patience) -> bool:
        """Return whether the step succeeded. Raises OpsError if the release is worse, or no verdict is possible."""
        verdict = judge(tried, self._baseline, patience.minimum)
        passed = (clock.now() - start) / timedelta(seconds=patience.bake) if patience.bake else EXTENSIONS
        if verdict.outcome is Outcome.WORSE:
            raise OpsError(f"{what} is worse: {verdict.reason}\nnew: {tried}\nold: {self._baseline}")
        if verdict.outcome is Outcome.GOOD and passed >= 1:
            say(f"{what}: {verdict.reason}\n  new: {tried}\n  old: {self._baseline}")
            return True
        if passed >= EXTENSIONS:
            if not patience.goes_on:
                raise OpsError(f"{what} is inconclusive: {verdict.reason}")
            say(f"{what} is inconclusive, and the release continues as configured: {verdict.reason}")
            return True
        return False

    def _wait(self, start: datetime, patience: Patience, waiting: Wait) -> None:
        """Sleep until the next check, at most until the next deadline."""
        passed = (clock.now() - start).total_seconds()
        due = patience.bake if passed < patience.bake else patience.bake * EXTENSIONS
        waiting.pause(max(0.0, min(POLL_SECONDS, due - passed)))

    def _replicas(self) -> int:
        return int(((self._cluster.get("deployment", STABLE) or {}).get("spec") or {}).get("replicas", 0))

    def _at_least(self, replicas: int) -> None:
        """Restore the number of stable pods before they receive all traffic, or right after."""
        if self._replicas() < replicas:
            self._cluster.scale(STABLE, replicas)
            rollout.wait(self._cluster, STABLE, say)
