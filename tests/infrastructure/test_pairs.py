"""All pairs of the answers that change the infrastructure plan on the emulated AWS, and keep every promise.

The first row runs with every change, the full set is marked slow: `pytest -m slow tests/infrastructure/test_pairs.py`.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest

from sampan import matrix
from tests.cli.test_any_text import AWKWARD
from tests.harness import Renderer
from tests.infrastructure import promises, variants
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.priced import without_price
from tests.infrastructure.rows import LEVELS, MADE, ROWS, cases_of_row, described
from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import Case
from tests.rules.plan_rules import PLANS

QUICK = 1
"""Rows that are planned with every change; the variants of the other modules are planned then, too."""

EVERY = [pytest.param(row, marks=[pytest.mark.slow] if number >= QUICK else [], id=row) for number, row in enumerate(ROWS)]

# Answers that have the same name in an environment's tfvars.
ANSWERED = ("alert_email", "az_count", "cache_replicas", "db_instance_class", "db_multi_az", "domain", "nat_gateways", "node_instance_type")


@pytest.fixture(scope="module")
def planner(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    made = Planner(aws, tmp_path_factory.mktemp("pairs"))
    yield made
    made.pool.shutdown(cancel_futures=True)


def tfvars(case: Case, project: Path) -> dict[str, Any]:
    """The answers of one root of one environment, as Terraform reads them."""
    found: dict[str, Any] = {}
    for path in case.var_files(project / "infra/environments"):
        found |= {name: _plain(value) for name, value in hcl2.loads(path.read_text(encoding="utf-8")).items()}
    return found


def _plain(value: Any) -> Any:
    return value.strip('"') if isinstance(value, str) else value


def facts(case: Case, row: Mapping[str, Any], project: Path) -> dict[str, Any]:
    """A row's answers, with the sizes of the case's own environment."""
    return {**row, "dr_region_answered": row["dr_region"], "dr_region": "", **tfvars(case, project)}


@pytest.mark.parametrize("row", EVERY)
def test_a_row_plans_and_keeps_every_promise(row: str, planner: Planner, render: Renderer) -> None:
    project, answers = render(ROWS[row]), ROWS[row]
    every = cases_of_row(row)
    for case in every:
        planner.start(case, project)
    found = {}
    for case in every:
        plan = planner(case)
        found[str(case)] = (promises.broken(plan, facts(case, answers, project)) | PLANS.broken(plan), without_price(plan))
        del planner.seen[case]
    assert {case: broken for case, broken in found.items() if any(broken)} == {}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_reaches_the_variables_of_its_environment(row: str, render: Renderer) -> None:
    project, answers = render(ROWS[row]), ROWS[row]
    values: dict[str, Any] = {}
    for case in cases_of_row(row):
        if case.environment == described(row):
            values |= tfvars(case, project)
    joined = answers["platform"] == "join"
    expected = {name: answers[name] for name in ANSWERED if not (joined and name in matrix.NOT_ASKED_WHEN_JOINED) and name in values}
    assert len(expected) >= 5
    assert {name: values[name] for name in expected} == expected


@pytest.mark.slow
def test_awkward_text_plans(planner: Planner, render: Renderer) -> None:
    """Names that YAML or HCL could take for something else, quotes and template markers reach a plan of every root."""
    variants.KNOWN["awkward"] = AWKWARD
    project = render(AWKWARD)
    cases = variants.cases_of("awkward", AWKWARD["environments"], "bootstrap", "platform", "service")
    for case in cases:
        planner.start(case, project)
    assert all(planner(case).changes for case in cases)


def test_every_pair_of_levels_is_planned() -> None:
    """Refused combinations are left out; the number of rows is part of what the project says of itself."""
    covered = {pair for row in MADE for pair in matrix.pairs(row)}
    every = {
        ((first, a), (second, b))
        for first, second in itertools.combinations(sorted(LEVELS), 2)
        for a in LEVELS[first]
        for b in LEVELS[second]
    }
    whole = {pair for row in matrix.rows() for pair in matrix.pairs(row)}
    assert (every & whole) - covered == set()
    assert len(MADE) >= 26
