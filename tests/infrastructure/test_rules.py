"""The plans of every root and environment keep the rules of AWS that no emulator enforces."""

import pytest

from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import Case, cases
from tests.rules.plan_rules import PLANS
from tests.rules.registry import Rule

EVERY = [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service")]


@pytest.mark.parametrize("case", EVERY)
def test_a_plan_keeps_every_rule(case: Case, plans: Planner) -> None:
    assert PLANS.broken(plans(case)) == {}


@pytest.mark.parametrize("rule", PLANS.rules.values(), ids=str)
def test_a_rule_finds_something_to_check(rule: Rule[Plan], plans: Planner) -> None:
    planned = {change["type"] for case in cases("bootstrap", "platform", "service") for change in plans(case).document["resource_changes"]}
    assert rule.kinds & planned
