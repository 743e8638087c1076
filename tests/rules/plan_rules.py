"""Every rule over Terraform plans."""

from tests.rules import plan_rules_cluster, plan_rules_data
from tests.rules.plans import PLANS

MODULES = (plan_rules_cluster, plan_rules_data)
"""Imported for the rules that they register."""

__all__ = ["MODULES", "PLANS"]
