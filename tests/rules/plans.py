"""The registry of rules over Terraform plans, and how a broken example is written."""

from collections.abc import Mapping
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
