"""A release that meets a share of the traffic first: `uv run canary ENVIRONMENT --image-api … [--weights 5,25,50]`.

Safe to interrupt and to repeat: it begins with all traffic on `api`, and ends there, promoted or withdrawn.
"""

import copy
import sys
import time
from collections.abc import Callable, Sequence

from deploy import cli
from deploy.canary_weights import CANARY, STABLE, Weights
from deploy.failure import DeployError
from deploy.kubectl import Cluster
from deploy.manifests import Manifest
from deploy.release import ROLLOUT_SECONDS, Release

# As many as the autoscaler's minimum: what the nodes and the database's connections are sized for.
REPLICAS = 2
_NAME = "app.kubernetes.io/name"


def canary_of(manifests: Sequence[Manifest]) -> Manifest:
    """The Deployment of the canary: the rendered `api` under another name, so that what is tried is what comes."""
    stable = next((m for m in manifests if (m["kind"], m["metadata"]["name"]) == ("Deployment", STABLE)), None)
    if stable is None:
        raise DeployError(f"the overlay renders no Deployment {STABLE}")
    canary = copy.deepcopy(stable)
    spec = canary["spec"]
    canary["metadata"]["name"] = CANARY
    spec["replicas"] = REPLICAS
    constraints = spec["template"]["spec"].get("topologySpreadConstraints", [])
    for labels in (
        canary["metadata"]["labels"],
        spec["selector"]["matchLabels"],
        spec["template"]["metadata"]["labels"],
        *(constraint["labelSelector"]["matchLabels"] for constraint in constraints),
    ):
        labels[_NAME] = CANARY
    return canary


class CanaryRelease:
    """A release in steps. `bake` is in seconds."""

    def __init__(
        self,
        cluster: Cluster,
        release: Release,
        weights: Weights,
        manifests: Sequence[Manifest],
        say: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._release = release
        self._weights = weights
        self._manifests = manifests
        self._say = say

    def run(self, steps: Sequence[int], bake: float) -> None:
        """Raise the share step by step, then roll out. Raises DeployError once the canary is withdrawn."""
        self._release.prepare()
        self._release.migrate()
        self._release.route()
        if not self._cluster.exists("deployment", STABLE):
            self._say("a first release has nothing to be compared with: it is rolled out at once")
            self._release.roll_out()
            return
        try:
            self._try(steps, bake)
        except BaseException:
            self._withdraw()
            raise
        self._release.roll_out()
        self._withdraw()

    def _try(self, steps: Sequence[int], bake: float) -> None:
        self._cluster.apply([canary_of(self._manifests)])
        self._cluster.rolled_out(CANARY, ROLLOUT_SECONDS)
        for percent in steps:
            self._weights.set(percent)
            self._say(f"canary: {percent} %, seen in the load balancer")
            time.sleep(bake)
            # Still up and in full number after its time under traffic.
            self._cluster.rolled_out(CANARY, seconds=30)

    def _withdraw(self) -> None:
        """Weight 0 first, seen in the load balancer; then the pods go."""
        self._weights.set(0)
        self._cluster.delete("deployment", CANARY)
        self._say(f"canary: 0 %, all traffic is on {STABLE}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Release one environment by steps; the exit status is 0, or 1 with the reason on standard error."""
    parser = cli.parser("canary", "Release the service to one environment, a share of the traffic first.")
    parser.add_argument("--weights", default="5,25,50", metavar="PERCENTS", help="shares of the traffic, in order")
    parser.add_argument("--bake", default=300.0, type=float, metavar="SECONDS", help="time at each share")
    options = parser.parse_args(arguments)
    try:
        steps = _steps(options.weights)
        target = cli.target(options)
        if options.dry_run:
            target.show_difference()
            return 0
        weights = Weights(target.cluster, target.contract)
        CanaryRelease(target.cluster, target.release, weights, target.manifests, cli.say).run(steps, options.bake)
        target.summarise()
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _steps(text: str) -> list[int]:
    """Percentages above 0 and below 100 that rise. Raises DeployError."""
    parts = text.split(",")
    steps = [int(part) for part in parts if part.isascii() and part.isdigit()]
    if len(steps) != len(parts) or steps != sorted(set(steps)) or not all(0 < step < 100 for step in steps):
        raise DeployError(f"--weights takes rising percentages between 1 and 99, such as 5,25,50, not {text!r}")
    return steps
