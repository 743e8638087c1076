"""Rules of AWS on data and identities, over Terraform plans."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.infrastructure.terraform import Plan
from tests.infrastructure.variants import Case
from tests.rules.registry import Registry

PLANS: Registry[Plan] = Registry()


def planned(*resources: tuple[str, Mapping[str, Any]]) -> Plan:
    """A plan of resources, each a type and its values: the broken examples."""
    changes = [
        {
            "address": f"{kind}.this[{number}]",
            "mode": "data" if kind == "aws_iam_policy_document" else "managed",
            "type": kind,
            "change": {"actions": ["create"], "after": dict(values), "after_unknown": {}},
        }
        for number, (kind, values) in enumerate(resources)
    ]
    return Plan(Case("broken", "service", "dev"), {"resource_changes": changes})


@PLANS.rule(
    "aws_elasticache_replication_group",
    source="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoFailover.html",
    broken=planned(("aws_elasticache_replication_group", {"replicas_per_node_group": 0, "automatic_failover_enabled": True})),
)
def failover_needs_a_replica(plan: Plan) -> Iterator[str]:
    """ElastiCache takes automatic failover and Multi-AZ only with at least one replica."""
    for group in plan.of("aws_elasticache_replication_group"):
        if (group["automatic_failover_enabled"] or group["multi_az_enabled"]) and not group["replicas_per_node_group"]:
            yield group.address
