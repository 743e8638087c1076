"""The table of row I9: who may reach whom. One rule, one resource; the plans are read against the table."""

import re
from typing import Any

import pytest

from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import Case, cases

Rule = tuple[str, str, str, int | None, int | None, str]
"""Group, direction, protocol, first port, last port, peer."""

INGRESS, EGRESS = "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"

EKS_IN_CONTRACT = "sg-00000000000000001"

PLATFORM: set[Rule] = {
    ("load balancer", "in", "tcp", 80, 80, "0.0.0.0/0"),
    ("load balancer", "in", "tcp", 443, 443, "0.0.0.0/0"),
    ("load balancer", "out", "tcp", 8000, 8000, "eks"),
    ("eks", "in", "tcp", 8000, 8000, "load balancer"),
    ("eks", "in", "-1", None, None, "eks"),
    ("eks", "out", "-1", None, None, "0.0.0.0/0"),
}
SERVICE: set[Rule] = {
    ("database", "in", "tcp", 5432, 5432, EKS_IN_CONTRACT),
    ("cache", "in", "tcp", 6379, 6379, EKS_IN_CONTRACT),
}
GROUPS = {
    "module.cluster.aws_security_group.load_balancer": "load balancer",
    "module.cluster.aws_security_group.this": "eks",
    "module.database.aws_security_group.this": "database",
    "module.cache.aws_security_group.this": "cache",
    "module.read_replica.aws_security_group.this": "database",
    "module.dr_replica.aws_security_group.this": "database",
    "module.network.aws_security_group.endpoints": "endpoints",
}


def group(address: str, expression: dict[str, Any]) -> str:
    """The group that an argument refers to, by the table's name."""
    references = [name for name in expression["references"] if name.startswith("aws_security_group.")]
    module = address[: address.index("aws_vpc_security_group")]
    return GROUPS[module + ".".join(references[0].split(".")[:2])]


def rules(plan: Plan) -> set[Rule]:
    """Every rule of a plan, but those of the endpoints."""
    blocks = dict(plan.blocks())
    found: set[Rule] = set()
    for rule in [*plan.of(INGRESS), *plan.of(EGRESS)]:
        address = re.sub(r'\["[^"]*"\]', "", rule.address)
        expressions = blocks[address]["expressions"]
        owner = group(address, expressions["security_group_id"])
        peer = rule["cidr_ipv4"] or rule["referenced_security_group_id"] or group(address, expressions["referenced_security_group_id"])
        direction = "in" if rule.kind == INGRESS else "out"
        found.add((owner, direction, rule["ip_protocol"], rule["from_port"], rule["to_port"], peer))
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("platform")])
def test_load_balancer_and_cluster_follow_the_table(case: Case, plans: Planner) -> None:
    plan = plans(case)
    private = {subnet["cidr_block"] for subnet in plan.of("aws_subnet") if subnet["tags"]["Tier"] == "private"}
    assert rules(plan) == PLATFORM | {("endpoints", "in", "tcp", 443, 443, cidr) for cidr in private}


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("service")])
def test_database_and_cache_follow_the_table(case: Case, plans: Planner) -> None:
    assert rules(plans(case)) == SERVICE


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service")])
def test_groups_hold_no_rules_of_their_own(case: Case, plans: Planner) -> None:
    """A group with rules inside it would fight with the rules beside it."""
    blocks = list(plans(case).blocks())
    groups = {address: block for address, block in blocks if block["type"] == "aws_security_group"}
    assert set(groups) <= set(GROUPS)
    assert not [address for address, block in groups.items() if {"ingress", "egress"} & set(block["expressions"])]
    assert not [address for address, block in blocks if block["type"] == "aws_security_group_rule"]
    assert bool(groups) == (case.root != "bootstrap")
