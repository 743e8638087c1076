"""All pairs of the answers that change the infrastructure, in as few sets as cover them."""

from typing import Any

import covertable

from sampan import matrix
from tests.infrastructure.variants import KNOWN, Case, cases_of

ELSEWHERE = {
    "accounts",
    "currency",
    "github_plan",
    "languages",
    "repository_visibility",
    "route_prefix",
    "sample",
    "tracing",
    "worker_scaling",
}
"""Questions whose answers no Terraform code or tfvars file sees."""

LEVELS = {question: levels for question, levels in matrix.levels().items() if question not in ELSEWHERE}
MADE: list[dict[str, str]] = covertable.make(LEVELS, strength=2, constraints=matrix.constraints())


def _answers(number: int, row: dict[str, str]) -> dict[str, Any]:
    # A separate name for each, so that none reads another's contract.
    name = f"row-{number:02d}"
    return {**matrix.answers(row), "service": name, "platform_name": name, "team": "payments"}


ROWS = {answers["service"]: answers for answers in (_answers(number, row) for number, row in enumerate(MADE))}
KNOWN.update(ROWS)


def cases_of_row(row: str) -> list[Case]:
    """Every root of every environment of a row."""
    return cases_of(row, ROWS[row]["environments"], "bootstrap", "platform", "service")


def described(row: str) -> str:
    """The environment whose sizes are the answered ones."""
    environments = ROWS[row]["environments"]
    return "production" if "production" in environments else str(environments[-1])
