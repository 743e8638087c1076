"""Every alarm has a runbook, every runbook an alarm, and each names a saved query that exists."""

import re
from pathlib import Path

import pytest

from tests.harness import Renderer
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.test_watch import alarms, composites
from tests.infrastructure.variants import EVERYTHING, VARIANTS, Case, cases

CASES = [pytest.param(case, id=str(case)) for case in cases("platform", "service")]
SECTIONS = ["First look", "Likely causes, in order", "Remedies", "Escalate"]
BY_VALUE = {"cache-evictions", "cache-lag", "certificate"}
"""Runbooks of alarms that depend on a value: two cache groups, a replica, a host name."""


def named(plan: Plan) -> set[str]:
    """Runbooks that the messages of the alarms lead to, below docs."""
    every = [*alarms(plan).values(), *composites(plan).values()]
    return {str(alarm["alarm_description"]).rpartition("/blob/main/docs/")[2] for alarm in every}


def pages(project: Path) -> dict[str, str]:
    """Text of every runbook of an alarm, by its path below docs."""
    return {
        path.relative_to(project / "docs").as_posix(): path.read_text(encoding="utf-8")
        for path in (project / "docs/runbooks/alarms").glob("*.md")
    }


def queries(plans: Planner, case: Case) -> set[str]:
    """Names of the saved queries of an environment, those of its platform among them."""
    roots = ["service"] if case.joins else ["platform", "service"]
    found = [query for root in roots for query in plans(Case(case.variant, root, case.environment)).of("aws_cloudwatch_query_definition")]
    return {query["name"].removeprefix(f"{case.variant}/{case.environment}/") for query in found}


@pytest.mark.parametrize("case", CASES)
def test_every_alarm_has_a_runbook(case: Case, plans: Planner, render: Renderer) -> None:
    docs = render(VARIANTS[case.variant]) / "docs"
    assert [name for name in sorted(named(plans(case))) if not (docs / name).is_file()] == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_runbook_has_an_alarm(variant: str, plans: Planner, render: Renderer) -> None:
    found = {name for case in cases("platform", "service") if case.variant == variant for name in named(plans(case))}
    idle = {name for name in pages(render(VARIANTS[variant])) if name not in found}
    assert idle <= ({f"runbooks/alarms/{name}.md" for name in BY_VALUE} if variant != EVERYTHING else set())


def test_a_runbook_has_every_section_one_look_and_links_that_lead_somewhere(render: Renderer) -> None:
    project = render(VARIANTS[EVERYTHING])
    found = pages(project)
    assert len(found) > 30
    for name, text in found.items():
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS, name
        assert len(text.split()) < 400, f"{name} is not short"
        (look,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        assert len(look.splitlines()) == 2, name
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (project / "docs/runbooks/alarms" / link).is_file(), f"{name}: {link}"


@pytest.mark.parametrize("variant", [EVERYTHING, "joined"])
def test_every_runbook_names_a_saved_query(variant: str, plans: Planner, render: Renderer) -> None:
    saved = queries(plans, Case(variant, "service", "production"))
    used = {query for text in pages(render(VARIANTS[variant])).values() for query in re.findall(r"ops query ENVIRONMENT ([a-z-]+)", text)}
    assert used
    assert used - saved == set()
    # For following a single request, regardless of the alarm.
    assert saved - used <= {"exceptions", "one-request"}
