"""Every rule on manifests, charts and workflows catches its broken example, and says where it comes from."""

from typing import Any

import pytest

from tests.rules.chart_rules import CHARTS
from tests.rules.manifest_rules import MANIFESTS
from tests.rules.registry import Rule
from tests.rules.workflow_rules import WORKFLOWS

EVERY = [*MANIFESTS.rules.values(), *CHARTS.rules.values(), *WORKFLOWS.rules.values()]


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_the_broken_example_is_caught(rule: Rule[Any]) -> None:
    assert list(rule.check(rule.broken))


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_a_rule_names_its_source(rule: Rule[Any]) -> None:
    assert rule.source.startswith("https://")


def test_they_are_the_half_of_forty() -> None:
    assert len(EVERY) >= 20
