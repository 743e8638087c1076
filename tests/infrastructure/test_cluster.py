"""The cluster of row I2 and the roles of row I8."""

import base64
import json

import pytest
import yaml

from tests.harness import ROOT
from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import EVERYTHING, VARIANTS, Case, cases

PLATFORMS = [pytest.param(case, id=str(case)) for case in cases("platform")]
VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
WORKLOAD = yaml.safe_load((ROOT / "extensions/catalogue/workload.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_control_plane_is_private_logged_and_in_standard_support(case: Case, plans: Planner) -> None:
    cluster = plans(case).one("aws_eks_cluster")
    assert cluster["version"] == VERSIONS["kubernetes"]
    assert cluster["access_config"] == [{"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False}]
    assert cluster["upgrade_policy"] == [{"support_type": "STANDARD"}]
    assert set(cluster["enabled_cluster_log_types"]) == {"api", "audit", "authenticator"}
    assert cluster["vpc_config"][0]["endpoint_private_access"]
    public = VARIANTS[case.variant].get("api_public_cidrs", [])
    assert cluster["vpc_config"][0]["endpoint_public_access"] == bool(public)
    assert cluster["vpc_config"][0].get("public_access_cidrs", []) == public


@pytest.mark.parametrize("case", PLATFORMS)
def test_add_ons_enforce_network_policies_and_hand_out_identities(case: Case, plans: Planner) -> None:
    addons = {addon["addon_name"]: addon for addon in plans(case).of("aws_eks_addon")}
    assert set(addons) == {
        "amazon-cloudwatch-observability",
        "coredns",
        "eks-pod-identity-agent",
        "kube-proxy",
        "metrics-server",
        "vpc-cni",
    }
    assert {name: addon["addon_version"] for name, addon in addons.items()} == {
        name.removeprefix("addon_").replace("_", "-"): version for name, version in VERSIONS.items() if name.startswith("addon_")
    }
    settings = json.loads(addons["vpc-cni"]["configuration_values"])
    assert settings["enableNetworkPolicy"] == "true"
    assert settings["env"]["ENABLE_PREFIX_DELEGATION"] == "true"


@pytest.mark.parametrize("case", PLATFORMS)
def test_nodes_hide_their_credentials_from_pods(case: Case, plans: Planner) -> None:
    template = plans(case).one("aws_launch_template")
    assert template["metadata_options"][0]["http_tokens"] == "required"
    assert template["metadata_options"][0]["http_put_response_hop_limit"] == 1
    settings = base64.b64decode(template["user_data"]).decode()
    assert f"maxPods: {WORKLOAD['kubelet.max_pods']}" in settings
    assert {tags["resource_type"] for tags in template["tag_specifications"]} == {"instance", "volume", "network-interface"}


@pytest.mark.parametrize("case", PLATFORMS)
def test_two_nodes_are_always_on_demand(case: Case, plans: Planner) -> None:
    groups = {group["node_group_name"]: group for group in plans(case).of("aws_eks_node_group")}
    base = groups.pop("on-demand")
    assert base["capacity_type"] == "ON_DEMAND"
    assert base["scaling_config"][0]["min_size"] >= 2
    assert base["node_repair_config"] == [{"enabled": True}]
    assert base["ami_type"] == ("AL2023_x86_64_STANDARD" if case.variant in {"startup", "elsewhere"} else "AL2023_ARM_64_STANDARD")
    assert base["release_version"].startswith(f"{VERSIONS['kubernetes']}.")
    assert set(groups) == ({"spot"} if case.variant in {"sandbox", "production", EVERYTHING} else set())
    for group in groups.values():
        assert group["capacity_type"] == "SPOT"
        assert group["release_version"] == base["release_version"]
        assert len(group["instance_types"]) >= 4
        assert group["taint"] == [{"key": "spot", "value": "true", "effect": "NO_SCHEDULE"}]


@pytest.mark.parametrize("case", PLATFORMS)
def test_cluster_and_nodes_have_the_policies_they_need_and_no_other(case: Case, plans: Planner) -> None:
    attached = {
        (resource.address.split("[")[0].removeprefix("module."), resource["policy_arn"].rsplit("/")[-1])
        for resource in plans(case).of("aws_iam_role_policy_attachment")
    }
    assert attached == {
        ("cluster.aws_iam_role_policy_attachment.cluster", "AmazonEKSClusterPolicy"),
        ("cluster.aws_iam_role_policy_attachment.network", "AmazonEKS_CNI_Policy"),
        ("cloudwatch_agent.aws_iam_role_policy_attachment.this", "CloudWatchAgentServerPolicy"),
        ("nodes.aws_iam_role_policy_attachment.nodes", "AmazonEC2ContainerRegistryPullOnly"),
        ("nodes.aws_iam_role_policy_attachment.nodes", "AmazonEKSWorkerNodePolicy"),
    }


@pytest.mark.parametrize("case", PLATFORMS)
def test_each_controller_has_an_identity_of_its_own(case: Case, plans: Planner) -> None:
    accounts = {(resource["namespace"], resource["service_account"]) for resource in plans(case).of("aws_eks_pod_identity_association")}
    assert accounts == {
        ("external-dns", "external-dns"),
        ("external-secrets", "external-secrets"),
        ("kube-system", "aws-load-balancer-controller"),
        ("kube-system", "cluster-autoscaler"),
    }


def test_a_budget_counts_one_environment_or_the_whole_account(plans: Planner) -> None:
    case = Case("startup", "platform", "dev")
    budget = plans(case).one("aws_budgets_budget")
    assert budget["cost_filter"] == [{"name": "TagKeyValue", "values": ["user:Environment$dev"]}]
    assert not plans.with_answers(case, "budget_scope=account").one("aws_budgets_budget")["cost_filter"]


def test_a_service_that_joins_a_platform_has_a_budget_of_its_own(plans: Planner) -> None:
    plan = plans(Case("joined", "service", "production"))
    budget = plan.one("aws_budgets_budget")
    assert budget["cost_filter"] == [{"name": "TagKeyValue", "values": ["user:Stack$joined-production"]}]
    assert {each["tags_all"]["Stack"] for each in plan.changes if each["tags_all"]} == {"joined-production"}


@pytest.mark.parametrize("case", PLATFORMS)
def test_no_plan_needs_cost_explorer(case: Case, plans: Planner) -> None:
    """Cost Explorer is opened by a person in the console, and a monitor by tag exists in a management account alone.

    https://docs.aws.amazon.com/cost-management/latest/userguide/getting-started-ad.html
    """
    assert not [resource for resource in plans(case).changes if resource.kind.startswith("aws_ce_")]


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_budget_warns_before_and_after(case: Case, plans: Planner) -> None:
    notifications = plans(case).one("aws_budgets_budget")["notification"]
    assert {(n["notification_type"], n["threshold"]) for n in notifications} == {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
