"""Every rule catches its broken example, and says where it comes from."""

from collections.abc import Iterator

import pytest

from tests.infrastructure.terraform import Plan
from tests.rules.plan_rules import PLANS
from tests.rules.registry import Registry, Rule


@pytest.mark.parametrize("rule", PLANS.rules.values(), ids=str)
def test_the_broken_example_of_a_plan_rule_is_caught(rule: Rule[Plan]) -> None:
    assert list(rule.check(rule.broken))


@pytest.mark.parametrize("rule", PLANS.rules.values(), ids=str)
def test_a_plan_rule_names_its_source(rule: Rule[Plan]) -> None:
    assert rule.source.startswith("https://")


def test_a_registry_gives_the_places_that_break_a_rule() -> None:
    words: Registry[str] = Registry()

    @words.rule("word", source="https://example.com", broken="A")
    def lower_case(text: str) -> Iterator[str]:
        """Words are in lower case."""
        yield from (letter for letter in text if letter.isupper())

    assert words.broken("aBc") == {"lower_case": ["B"]}
    assert words.broken("abc") == {}
