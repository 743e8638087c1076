"""The cost estimate against the plans: every kind of resource has a line or costs nothing, and the amounts are those of the plan."""

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from sampan import estimates
from tests.harness import ROOT
from tests.infrastructure.priced import PRICED, without_price
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import VARIANTS, Case, cases

EVERY = [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service")]
SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]
HOURS = 730
CLOSE_USD = 3
"""Alarms and dashboards are counted by rules of thumb: the difference of each to a plan stays below this, a month."""


# Copier changes the working folder of its process, from which the planner's threads start Terraform.
ESTIMATE = """
import json, sys
from sampan import estimates
json.dump({name: estimates.estimate(name, data).costs for name, data in json.load(sys.stdin).items()}, sys.stdout)
"""


@cache
def every_estimate() -> dict[str, estimates.Estimate]:
    """Return the estimates of all variants, made in another process."""
    command = [sys.executable, "-c", ESTIMATE]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "extensions")}
    made = subprocess.run(command, input=json.dumps(VARIANTS), capture_output=True, text=True, check=True, env=environment).stdout
    return {name: estimates.Estimate(name, costs) for name, costs in json.loads(made).items()}


def lines(case: Case) -> dict[str, dict[str, Any]]:
    """Return the lines of a case's environment, or of the account, by their keys."""
    part = "account" if case.root == "bootstrap" else case.environment
    return {line["key"]: line for line in every_estimate()[case.variant].parts()[part]["lines"]}


def amount(case: Case, key: str) -> float:
    """Return the amount of a line at low traffic; 0 for a line that is not there."""
    line = lines(case).get(key)
    return float(line["amounts"][0]) if line else 0.0


def watched(plan: Plan) -> int:
    """Return the number of metrics that a plan's alarms watch: AWS bills each, also inside an expression."""
    alarms = plan.of("aws_cloudwatch_metric_alarm")
    return sum(max(1, sum(bool(query["metric"]) for query in alarm["metric_query"] or [])) for alarm in alarms)


@pytest.mark.parametrize("case", EVERY)
def test_every_kind_of_resource_has_a_price_or_is_free(case: Case, plans: Planner) -> None:
    assert without_price(plans(case)) == set()


@pytest.mark.parametrize("case", EVERY)
def test_what_the_plan_bills_is_in_the_estimate(case: Case, plans: Planner) -> None:
    kinds = {resource.kind for resource in plans(case).changes}
    bootstrap = {"aws_kms_key": "state-key", "aws_s3_bucket": "state"}
    platform = {
        "aws_kms_key": "platform-key",
        "aws_cloudwatch_dashboard": "platform-dashboard",
        "aws_cloudwatch_log_group": "platform-logs",
        "aws_cloudwatch_metric_alarm": "platform-alarms",
    }
    own = PRICED | {"bootstrap": bootstrap, "platform": {**platform, "aws_s3_bucket": "access-logs"}, "service": {}}[case.root]
    assert {own[kind] for kind in kinds & PRICED.keys()} - set(lines(case)) == set()


@pytest.mark.parametrize("case", SERVICES)
def test_amounts_are_those_of_the_plans(case: Case, plans: Planner) -> None:
    service, joins = plans(case), case.joins
    platform = None if joins else plans(Case(case.variant, "platform", case.environment))
    found: dict[str, float] = {
        "cache": sum(1 + group["replicas_per_node_group"] for group in service.of("aws_elasticache_replication_group")),
        "secrets": len(service.of("aws_secretsmanager_secret")),
        "keys": len(service.of("aws_kms_key")),
        "zone": len(service.of("aws_route53_zone")),
        "waf-rules": sum(len(acl["rule"]) for acl in service.of("aws_wafv2_web_acl")),
    }
    expected = {
        "cache": amount(case, "cache") / HOURS,
        "secrets": amount(case, "secrets"),
        "keys": amount(case, "key") + amount(case, "copies-key"),
        "zone": amount(case, "zone"),
        "waf-rules": amount(case, "waf-rules"),
    }
    own = [instance for instance in service.of("aws_db_instance") if instance["allocated_storage"]]
    found["storage"] = sum(instance["allocated_storage"] * (2 if instance["multi_az"] else 1) for instance in own)
    expected["storage"] = amount(case, "database-storage")
    found["replicas"] = len(service.of("aws_db_instance")) - len(own)
    expected["replicas"] = sum(amount(case, key) / HOURS for key in ("replica", "recovery-replica"))
    if platform:
        [group] = [group for group in platform.of("aws_eks_node_group") if group["capacity_type"] == "ON_DEMAND"]
        zones = amount(case, "ipv4") / HOURS - len(platform.of("aws_eip"))
        interfaces = [endpoint for endpoint in platform.of("aws_vpc_endpoint") if endpoint["vpc_endpoint_type"] == "Interface"]
        found |= {"nat": len(platform.of("aws_nat_gateway")), "endpoints": len(interfaces) * zones, "zones": zones}
        expected |= {
            "nat": amount(case, "nat-hours") / HOURS,
            "endpoints": amount(case, "endpoints") / HOURS,
            "zones": len([subnet for subnet in platform.of("aws_subnet") if ".public" in subnet.address]),
        }
        assert lines(case)["nodes-base"]["label"].startswith(f"{group['scaling_config'][0]['min_size']} nodes")
    assert found == pytest.approx(expected)
    roots = [plan for plan in (service, platform) if plan]
    counted = {
        "alarm": sum(watched(plan) for plan in roots) - amount(case, "alarms") - amount(case, "platform-alarms"),
        "composite": sum(len(plan.of("aws_cloudwatch_composite_alarm")) for plan in roots)
        - amount(case, "composites")
        - amount(case, "platform-composites"),
        "dashboard": sum(len(plan.of("aws_cloudwatch_dashboard")) for plan in roots)
        - amount(case, "dashboard")
        - amount(case, "platform-dashboard"),
    }
    off = {
        kind: difference
        for kind, difference in counted.items()
        if abs(difference) * {"alarm": 0.1, "composite": 0.5, "dashboard": 2.5}[kind] >= CLOSE_USD
    }
    assert off == {}, counted


def test_a_kind_without_a_price_is_found(plans: Planner) -> None:
    plan = plans(cases("service")[0])
    document = {"resource_changes": [{**plan.document["resource_changes"][0], "type": "aws_opensearch_domain", "mode": "managed"}]}
    assert without_price(Plan(plan.case, document)) == {"aws_opensearch_domain"}
