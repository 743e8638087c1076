"""All pairs of the answers that change the manifests, in as few sets as cover them."""

from typing import Any

import covertable

from sampan import matrix

ELSEWHERE = {
    "alert_email",
    "api_public_cidrs",
    "audit_trail",
    "availability_objective",
    "az_count",
    "aws_region",
    "cache_replicas",
    "currency",
    "db_multi_az",
    "db_read_replica",
    "github_plan",
    "interface_endpoints",
    "languages",
    "latency_objective",
    "log_retention_days",
    "nat_gateways",
    "node_instance_type",
    "off_hours_shutdown",
    "repository_visibility",
    "sample",
    "time_zone",
}
"""Questions whose answers no manifest sees: a test renders each of their levels and compares."""

LEVELS = {question: levels for question, levels in matrix.levels().items() if question not in ELSEWHERE}


def _constraints() -> list[dict[str, Any]]:
    """Return the constraints of the questions whose sides are both asked here."""
    return [constraint for constraint in matrix.constraints() if _questions(constraint) <= set(LEVELS)]


def _questions(constraint: Any) -> set[str]:
    if isinstance(constraint, list):
        return set().union(*map(_questions, constraint))
    if not isinstance(constraint, dict):
        return set()
    named = {constraint["left"]} if "left" in constraint else set()
    return named.union(*map(_questions, constraint.values()))


MADE: list[dict[str, str]] = covertable.make(LEVELS, strength=2, constraints=_constraints())

ROWS: dict[str, dict[str, Any]] = {
    f"row-{number:02d}": {**matrix.answers(row), "service": f"row-{number:02d}", "platform_name": "shared"}
    for number, row in enumerate(MADE)
}
