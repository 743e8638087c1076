"""Covering arrays over the answers: every valid pair (or triple) of levels in as few rows as a greedy search finds."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import covertable
import yaml

from sampan import root

NOT_ASKED_WHEN_JOINED: Final = (
    "api_public_cidrs",
    "audit_trail",
    "az_count",
    "interface_endpoints",
    "nat_gateways",
    "node_instance_type",
    "off_hours_shutdown",
    "spot",
)
"""Questions that a service which joins a platform is not asked."""

CATALOGUE: Final = root.catalogue()

Row = Mapping[str, str]
"""One combination: question to level, each level as YAML text."""


def levels() -> dict[str, list[str]]:
    """Levels of each question, as YAML texts, from the catalogue."""
    table = yaml.safe_load((CATALOGUE / "matrix.yaml").read_text(encoding="utf-8"))
    return {question: row.split(" | ") for question, row in table.items()}


def _implies(left: str, values: Sequence[str], then: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "operator": "or",
        "conditions": [{"operator": "not", "condition": {"operator": "in", "left": left, "values": list(values)}}, then],
    }


def constraints() -> list[dict[str, Any]]:
    """Return the combinations that the questions refuse or do not ask, for covertable."""
    table = levels()
    return [
        _implies("profile", ["production", "regulated"], {"operator": "ne", "left": "domain", "value": "''"}),
        _implies("mail", ["ses"], {"operator": "ne", "left": "domain", "value": "''"}),
        _implies("nat_gateways", ["3"], {"operator": "eq", "left": "az_count", "value": "3"}),
        *(
            _implies("dr_region", [region], {"operator": "ne", "left": "aws_region", "value": region})
            for region in table["dr_region"]
            if region != "''"
        ),
        *(
            _implies("platform", ["join"], {"operator": "eq", "left": question, "value": table[question][0]})
            for question in NOT_ASKED_WHEN_JOINED
        ),
        # RDS cannot stop a database with a read replica; with several environments production has the replica and does not stop.
        {
            "operator": "or",
            "conditions": [
                {"operator": "eq", "left": "db_read_replica", "value": "false"},
                {"operator": "in", "left": "off_hours_shutdown", "values": ["none", "minimum-only"]},
                {"operator": "in", "left": "environments", "values": ["[dev, production]", "[dev, staging, production]"]},
            ],
        },
    ]


def rows(strength: int = 2) -> list[dict[str, str]]:
    """Combinations that cover every valid tuple of `strength` levels; the same list on every call."""
    made = covertable.make(levels(), strength=strength, constraints=constraints())
    return [dict(sorted(row.items())) for row in made]


def answers(row: Row) -> dict[str, Any]:
    """The answers of one row, as Copier takes them."""
    return {question: yaml.safe_load(level) for question, level in row.items()}


def identifier(row: Row) -> str:
    """A name that stays the same as long as the row's answers do."""
    return f"{row['profile']}-{hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:8]}"


def pairs(row: Row) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """The pairs of levels that one row covers."""
    yield from itertools.combinations(sorted(row.items()), 2)


def write(target: Path, strength: int = 2) -> list[dict[str, str]]:
    """Write one answers file a row into `target`; the entries of a GitHub Actions matrix, `id` and `answers_file`."""
    target.mkdir(parents=True, exist_ok=True)
    entries = []
    for row in rows(strength):
        name = identifier(row)
        (target / f"{name}.yml").write_text(yaml.safe_dump(answers(row)), encoding="utf-8")
        entries.append({"id": name, "answers_file": f"{target}/{name}.yml"})
    return entries
