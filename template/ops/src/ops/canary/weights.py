"""Weights of the two target groups: set on the Ingress, verified at the load balancer."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.aws import tags_of
from ops.canary.metrics import TargetGroup
from ops.contract import Contract
from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.waiting import Wait

INGRESS = "api"
STABLE = "api"
CANARY = "api-canary"
ANNOTATION = "alb.ingress.kubernetes.io/actions.api-weighted"
# Tag of the controller for the owner of a target group: <namespace>/<ingress>-<service>:<port>.
_OWNER = "ingress.k8s.aws/resource"
# The controller reacts within seconds, unless AWS throttles it.
VERIFY_SECONDS = 180.0
POLL_SECONDS = 5.0


class Weights:
    """The canary's share of the traffic, in percent. The load balancer may take `patience` seconds to follow."""

    def __init__(self, cluster: Cluster, contract: Contract, *, patience: float = VERIFY_SECONDS) -> None:
        self._cluster = cluster
        self._contract = contract
        self._patience = patience
        self._balancers: Any = boto3.client("elbv2", region_name=contract.region)

    def set(self, percent: int) -> None:
        """Set the share and wait until the load balancer has it. Raises OpsError on a time-out."""
        ingress = self._ingress()
        action = json.loads(ingress["metadata"]["annotations"][ANNOTATION])
        for group in action["forwardConfig"]["targetGroups"]:
            group["weight"] = percent if group["serviceName"] == CANARY else 100 - percent
        self._cluster.annotate("ingress", INGRESS, ANNOTATION, json.dumps(action, separators=(",", ":")))
        waiting = Wait(f"the load balancer to send {percent} % to the canary", self._patience)
        while (found := self._read(ingress)) != percent:
            if waiting.is_over:
                raise OpsError(
                    f"the load balancer sends {found} % to the canary, {self._patience:g} s after {percent} % was set"
                )
            waiting.pause(POLL_SECONDS)

    def verify(self, percent: int) -> None:
        """Raise OpsError unless the load balancer still has the share: somebody may have changed it."""
        if (found := self._read(self._ingress())) != percent:
            raise OpsError(f"the load balancer sends {found} % to the canary now, and {percent} % was set")

    def target_group(self, service: str) -> TargetGroup:
        """The target group of a Service. Raises OpsError when the load balancer has none."""
        try:
            for balancer in self._load_balancers(self._ingress()):
                if arn := self._target_group(balancer, service):
                    return TargetGroup(balancer, arn)
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"cannot read the load balancer's target groups: {error}") from None
        raise OpsError(f"the load balancer has no target group for the Service {service}")

    def _ingress(self) -> dict[str, Any]:
        ingress = self._cluster.get("ingress", INGRESS)
        if ingress is None:
            raise OpsError(f"there is no Ingress {INGRESS}")
        return ingress

    def _read(self, ingress: dict[str, Any]) -> int | None:
        """Return the share in all rules of this service; None if they differ or there is no rule."""
        try:
            shares = set(self._shares(ingress))
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"cannot read the load balancer's weights: {error}") from None
        return shares.pop() if len(shares) == 1 else None

    def _shares(self, ingress: dict[str, Any]) -> Iterator[int]:
        for balancer in self._load_balancers(ingress):
            canary = self._target_group(balancer, CANARY)
            stable = self._target_group(balancer, STABLE)
            for weights in self._forwards(balancer):
                if canary in weights and stable in weights:
                    yield 100 * weights[canary] // ((weights[canary] + weights[stable]) or 1)

    def _load_balancers(self, ingress: dict[str, Any]) -> Iterator[str]:
        names = [entry.get("hostname") for entry in ingress["status"]["loadBalancer"].get("ingress", [])]
        pages = self._balancers.get_paginator("describe_load_balancers").paginate()
        yield from (b["LoadBalancerArn"] for page in pages for b in page["LoadBalancers"] if b["DNSName"] in names)

    def _target_group(self, balancer: str, service: str) -> str | None:
        groups = self._balancers.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
        owner = f"{self._contract.namespace}/{INGRESS}-{service}:80"
        # Services of one platform share the load balancer, so it may have many.
        tagged = tags_of(self._balancers, [group["TargetGroupArn"] for group in groups])
        return next((arn for arn, tags in tagged if tags.get(_OWNER) == owner), None)

    def _forwards(self, balancer: str) -> Iterator[dict[str, int]]:
        for listener in self._balancers.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
            for rule in self._balancers.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                for action in rule["Actions"]:
                    groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
                    yield {group["TargetGroupArn"]: int(group["Weight"]) for group in groups}
