"""Rules of RDS, ElastiCache, Secrets Manager, ECR and Backup, over Terraform plans."""

import re
from collections.abc import Iterator

from tests.infrastructure.terraform import Plan
from tests.rules.plans import PLANS, planned


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


@PLANS.rule(
    "aws_budgets_budget",
    source="https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html",
    broken=planned(("aws_budgets_budget", {"cost_filter": [{"name": "TagKeyValue", "values": ["Environment$dev"]}]})),
)
def budgets_count_by_user_tags(plan: Plan) -> Iterator[str]:
    """A budget filters by `user:<key>$<value>`, of a key that resources carry; without the prefix it counts nothing, in silence."""
    for budget in plan.of("aws_budgets_budget"):
        for each in budget["cost_filter"] or []:
            if each["name"] == "TagKeyValue" and not all(re.fullmatch(r"user:(Environment|Stack)\$[a-z0-9-]+", v) for v in each["values"]):
                yield budget.address
