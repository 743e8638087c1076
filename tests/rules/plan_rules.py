"""Every rule over Terraform plans."""

from tests.rules import plan_rules_cluster, plan_rules_data, plan_rules_identity, plan_rules_watch
from tests.rules.plans import PLANS

MODULES = (plan_rules_cluster, plan_rules_data, plan_rules_identity, plan_rules_watch)
"""Imported for the rules that they register."""

__all__ = ["MODULES", "PLANS"]
