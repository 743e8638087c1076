"""A world in which a canary lives through an hour in seconds: run as a script, with a scenario as its only argument (JSON).

Time passes only where the deploy sleeps, which it does through `ops.clock`. Meanwhile requests arrive, and the emulated CloudWatch gets
what a load balancer would publish, split by the weights that the emulated load balancer has at that moment. `at` names moments: a
share of the traffic (percent) at which something happens.
"""

# boto3 carries no types, and `ops` is the rendered project's own package.
# mypy: disable-error-code="import-untyped, import-not-found"

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from ops import cli, clock

SCENARIO: dict[str, Any] = json.loads(sys.argv[1])
SECONDS = timedelta(seconds=1)


class World:
    """Traffic, metrics and mishaps. Requests a minute, shares of errors and p95 in seconds come from the scenario."""

    def __init__(self) -> None:
        # A full minute in the recent past, so that the emulator keeps the published values.
        self.time = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
        # Separate keys, because the emulator records the deploy's calls by its own keys.
        keys = {"aws_access_key_id": "world", "aws_secret_access_key": "any"}
        self.balancers: Any = boto3.client("elbv2", region_name="ap-southeast-1", **keys)
        self.metrics: Any = boto3.client("cloudwatch", region_name="ap-southeast-1", **keys)
        self.promoted = False

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        """Advance the clock. The load balancer publishes its metrics at every full minute."""
        end = self.time + seconds * SECONDS
        while self.time < end:
            self.time = min(end, (self.time + timedelta(minutes=1)).replace(second=0))
            if self.time.second == 0:
                self.publish(self.time - timedelta(minutes=1))
        self.mishap()

    def share(self) -> int:
        """The canary's share in the load balancer's rule."""
        (rule,) = self.balancers.describe_rules(RuleArns=[SCENARIO["rule"]])["Rules"]
        weights = {group["TargetGroupArn"]: int(group["Weight"]) for group in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]}
        return weights[SCENARIO["groups"][1]]

    def publish(self, minute: datetime) -> None:
        """One minute of both target groups."""
        share = self.share()
        rolled_out = os.path.exists(SCENARIO["rolled_out"])  # noqa: PTH110  one question of a script
        for service, arn, percent in zip(("stable", "canary"), SCENARIO["groups"], (100 - share, share), strict=True):
            requests = SCENARIO["requests"] * percent // 100
            if not requests:
                continue
            new = service == "canary" or rolled_out
            behaviour = SCENARIO["new"] if new and percent >= SCENARIO["from_percent"] else SCENARIO["old"]
            self.put(arn, minute, "RequestCount", requests)
            self.put(arn, minute, "HTTPCode_Target_5XX_Count", round(requests * behaviour["errors"]))
            self.put(arn, minute, "TargetResponseTime", behaviour["p95"])

    def put(self, group: str, minute: datetime, name: str, value: float) -> None:
        dimensions = [
            {"Name": "LoadBalancer", "Value": SCENARIO["balancer"].partition(":loadbalancer/")[2]},
            {"Name": "TargetGroup", "Value": group.rpartition(":")[2]},
        ]
        datum = {"MetricName": name, "Dimensions": dimensions, "Timestamp": minute, "Value": value}
        self.metrics.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=[datum])

    def mishap(self) -> None:
        """Make the deployer fail once the canary receives traffic."""
        if self.share() != SCENARIO.get("mishap_at"):
            return
        if SCENARIO["mishap"] == "runner lost":
            os._exit(9)
        if SCENARIO["mishap"] == "cancelled":
            os.kill(os.getpid(), 15)
        if SCENARIO["mishap"] == "taken over":
            path = f"{SCENARIO['folder']}/state.json"
            with open(path) as file:  # noqa: PTH123  one file of a script
                state = json.load(file)
            state["configmap/deploy-lock"]["data"]["holder"] = "somebody else"
            with open(path, "w") as file:  # noqa: PTH123  one file of a script
                json.dump(state, file)
        if SCENARIO["mishap"] == "weights changed":
            groups = [{"TargetGroupArn": arn, "Weight": 50} for arn in SCENARIO["groups"]]
            self.balancers.modify_rule(RuleArn=SCENARIO["rule"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])


world = World()
clock.now, clock.sleep = world.now, world.sleep
sys.exit(cli.main(SCENARIO["arguments"]))
