"""A deploy's requests to AWS match the rights of its role."""

import re
from pathlib import Path

import pytest

from tests.harness import Renderer

# A boto3 method, and the IAM action that it needs.
ACTIONS = {
    "describe_cluster": "eks:DescribeCluster",
    "describe_images": "ecr:DescribeImages",
    "describe_listeners": "elasticloadbalancing:DescribeListeners",
    "describe_load_balancers": "elasticloadbalancing:DescribeLoadBalancers",
    "describe_rules": "elasticloadbalancing:DescribeRules",
    "describe_tags": "elasticloadbalancing:DescribeTags",
    "describe_target_groups": "elasticloadbalancing:DescribeTargetGroups",
    "get_metric_data": "cloudwatch:GetMetricData",
    "get_parameter": "ssm:GetParameter",
}
# Calls by commands for administrators, which no workflow may make.
ADMINISTRATORS = {
    "describe_addon": "eks:DescribeAddon",
    "describe_alarms": "cloudwatch:DescribeAlarms",
    "describe_tags": "elasticloadbalancing:DescribeTags",
    "get_parameters_by_path": "ssm:GetParametersByPath",
    "get_query_results": "logs:GetQueryResults",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "list_addons": "eks:ListAddons",
    "list_hosted_zones_by_name": "route53:ListHostedZonesByName",
    "list_secrets": "secretsmanager:ListSecrets",
}


def called(project: Path) -> set[str]:
    """AWS calls of the package; `describe_load_balancers` is named to a paginator."""
    package = project / "ops/src/ops"
    paths = [*package.glob("*.py"), *package.glob("canary/*.py"), *package.glob("addons/*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(r"\.((?:describe|get|list)_[a-z_]+)\(\w+=", source)) | set(re.findall(r'get_paginator\("(\w+)"\)', source))


@pytest.mark.parametrize("delivery", ["rolling", "canary"])
def test_the_deploy_role_may_call_what_the_package_calls(render: Renderer, delivery: str) -> None:
    project = render({"delivery": delivery})
    calls = called(project)
    assert {"get_parameter", "describe_cluster", "describe_images"} <= calls
    policies = "".join(path.read_text(encoding="utf-8") for path in (project / "infra/bootstrap").glob("*.tf"))
    # The deploy of a canary also looks up target groups.
    administrators = ADMINISTRATORS.keys() - ({"describe_tags"} if delivery == "canary" else set())
    assert not [call for call in calls - administrators if f'"{ACTIONS[call]}"' not in policies]
    assert ("cloudwatch:GetMetricData" in policies) is (delivery == "canary")
    assert ("get_metric_data" in calls) is (delivery == "canary")


def test_the_deploy_role_may_not_call_what_is_an_administrators(render: Renderer) -> None:
    project = render({})
    assert ADMINISTRATORS.keys() <= called(project)
    roles = (project / "infra/bootstrap/roles.tf").read_text(encoding="utf-8")
    deploy = roles.partition('data "aws_iam_policy_document" "deploy" {')[2].partition("\nresource ")[0]
    assert '"ssm:GetParameter"' in deploy
    assert not [action for action in ADMINISTRATORS.values() if action in deploy]
