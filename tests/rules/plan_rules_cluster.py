"""Rules of EKS, over Terraform plans."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infrastructure.terraform import Plan, Resource
from tests.rules.plans import PLANS, planned

CHART = "https://github.com/aws-observability/helm-charts/blob/v6.4.0/charts/amazon-cloudwatch-observability"
SKEW = 3
"""Minor versions that kube-proxy and kubelet may lie behind the control plane."""


def configuration(addon: Resource) -> dict[str, Any]:
    """The configuration that an add-on states."""
    stated: dict[str, Any] = json.loads(addon["configuration_values"] or "{}")
    return stated


def minor(version: str) -> int:
    """Minor version of Kubernetes in `1.36`, `v1.36.0-eksbuild.25` or `1.36.4-20260923`."""
    found = re.match(r"v?1\.(\d+)", version)
    assert found, version
    return int(found[1])


@PLANS.rule(
    "aws_eks_addon",
    source="https://docs.aws.amazon.com/eks/latest/userguide/managing-add-ons.html",
    broken=planned(("aws_eks_addon", {"addon_name": "coredns", "configuration_values": '{"replicaCount": 2}'})),
)
def add_ons_are_pinned(plan: Plan) -> Iterator[str]:
    """Without a version EKS installs the default of that day, and never moves it afterwards."""
    for addon in plan.of("aws_eks_addon"):
        if not re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", addon["addon_version"] or ""):
            yield addon.address


@PLANS.rule(
    "aws_eks_addon",
    source="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-field-management.html",
    broken=planned(("aws_eks_addon", {"addon_name": "coredns", "addon_version": "v1.14.3-eksbuild.23"})),
)
def add_ons_state_a_configuration(plan: Plan) -> Iterator[str]:
    """Defaults of an add-on change between releases, and the API takes no word for it: what matters is stated."""
    yield from (addon.address for addon in plan.of("aws_eks_addon") if not configuration(addon))


@PLANS.rule(
    "aws_eks_addon",
    source=f"{CHART}/templates/_helpers.tpl",
    broken=planned(("aws_eks_addon", {"addon_name": "amazon-cloudwatch-observability", "addon_version": "v6.4.0-eksbuild.1"})),
)
def nothing_is_injected_into_pods(plan: Plan) -> Iterator[str]:
    """AutoMonitor injects into every workload behind a Service unless monitorAllServices is false (`manager.monitorAllServices`).

    RELEASE_NOTES, 5.0.0: "Enable Application Signals AutoMonitor by default".
    """
    for addon in plan.of("aws_eks_addon"):
        monitor = configuration(addon).get("manager", {}).get("applicationSignals", {}).get("autoMonitor", {})
        if addon["addon_name"] == "amazon-cloudwatch-observability" and monitor.get("monitorAllServices") is not False:
            yield addon.address


@PLANS.rule(
    "aws_eks_addon",
    source=f"{CHART}/values.yaml",
    broken=planned(("aws_eks_addon", {"addon_name": "amazon-cloudwatch-observability", "configuration_values": '{"containerLogs": {}}'})),
)
def metrics_are_sent_once(plan: Plan) -> Iterator[str]:
    """OpenTelemetry's Container Insights was on in 6.0 and 6.1: whichever pipeline alarms do not read is off, in words."""
    for addon in plan.of("aws_eks_addon"):
        stated = configuration(addon)
        wanted = {"containerInsights": True, "otelContainerInsights": False}
        found = {name: stated.get(name, {}).get("enabled") for name in wanted}
        if addon["addon_name"] == "amazon-cloudwatch-observability" and found != wanted:
            yield addon.address


@PLANS.rule(
    "aws_eks_addon",
    source="https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html",
    broken=planned(("aws_eks_addon", {"addon_name": "vpc-cni", "configuration_values": '{"enableNetworkPolicy": true}'})),
)
def network_policies_are_enforced(plan: Plan) -> Iterator[str]:
    """The VPC CNI ignores NetworkPolicies unless enableNetworkPolicy is the string "true"."""
    for addon in plan.of("aws_eks_addon"):
        if addon["addon_name"] == "vpc-cni" and configuration(addon).get("enableNetworkPolicy") != "true":
            yield addon.address


@PLANS.rule(
    "aws_eks_addon",
    source="https://kubernetes.io/releases/version-skew-policy/",
    broken=planned(
        ("aws_eks_cluster", {"version": "1.35"}),
        ("aws_eks_addon", {"addon_name": "kube-proxy", "addon_version": "v1.36.0-eksbuild.25"}),
    ),
)
def kube_proxy_follows_the_control_plane(plan: Plan) -> Iterator[str]:
    """kube-proxy is never newer than the API server, and at most three minor versions older."""
    for cluster in plan.of("aws_eks_cluster"):
        for addon in plan.of("aws_eks_addon"):
            if addon["addon_name"] == "kube-proxy" and not 0 <= minor(cluster["version"]) - minor(addon["addon_version"] or "1.0") <= SKEW:
                yield addon.address


@PLANS.rule(
    "aws_eks_node_group",
    source="https://docs.aws.amazon.com/eks/latest/userguide/update-managed-node-group.html",
    broken=planned(("aws_eks_node_group", {"version": "1.36"})),
)
def nodes_are_updated(plan: Plan) -> Iterator[str]:
    """A managed node group keeps the AMI of the day of its creation unless a release version asks for another."""
    for group in plan.of("aws_eks_node_group"):
        if not group.given("release_version") or minor(group["release_version"] or "1.0") != minor(group["version"] or "1.0"):
            yield group.address


@PLANS.rule(
    "aws_eks_node_group",
    source="https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html",
    broken=planned(("aws_eks_node_group", {"scaling_config": [{"min_size": 0, "desired_size": 0, "max_size": 0}]})),
)
def node_groups_have_room(plan: Plan) -> Iterator[str]:
    """EKS takes a maximum of at least 1, and a desired size between minimum and maximum."""
    for group in plan.of("aws_eks_node_group"):
        for size in group["scaling_config"] or []:
            if not (0 <= size["min_size"] <= size["desired_size"] <= size["max_size"] and size["max_size"] >= 1):
                yield group.address


@PLANS.rule(
    "aws_eks_cluster",
    source="https://docs.aws.amazon.com/eks/latest/userguide/view-support-status.html",
    broken=planned(("aws_eks_cluster", {"version": "1.36", "upgrade_policy": []})),
)
def control_planes_take_no_extended_support(plan: Plan) -> Iterator[str]:
    """Extended support is on by default, and costs six times the price per hour from the day that standard support ends."""
    yield from (c.address for c in plan.of("aws_eks_cluster") if c["upgrade_policy"] != [{"support_type": "STANDARD"}])
