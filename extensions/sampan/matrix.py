"""Covering arrays over the answers: every valid pair (or triple) of levels in as few rows as a greedy search finds."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import covertable
import yaml

from sampan import answers as given
from sampan import reference, root
from sampan.errors import UserError

NOT_ASKED_WHEN_JOINED: Final = (
    "api_public_cidrs",
    "audit_trail",
    "az_count",
    "interface_endpoints",
    "nat_gateways",
    "node_instance_type",
    "off_hours_shutdown",
    "spot",
    "waf",
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
        # RDS cannot stop a database with a read replica. Of several environments, only production has one, and it does not stop.
        {
            "operator": "or",
            "conditions": [
                {"operator": "eq", "left": "db_read_replica", "value": "false"},
                {"operator": "in", "left": "off_hours_shutdown", "values": ["none", "minimum-only"]},
                {"operator": "in", "left": "environments", "values": ["[dev, production]", "[dev, staging, production]"]},
            ],
        },
    ]


@cache
def _made(strength: int) -> list[Row]:
    made = covertable.make(levels(), strength=strength, constraints=constraints())
    return [dict(sorted(row.items())) for row in made]


def rows(strength: int = 2) -> list[dict[str, str]]:
    """Return combinations that cover every valid tuple of `strength` levels, the same on every call."""
    return [dict(row) for row in _made(strength)]


def computed(strength: int = 2) -> dict[str, dict[str, Any]]:
    """Return the answers of each row by its name."""
    return {identifier(row): answers(row) for row in rows(strength)}


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return rows that somebody chose, from a YAML file of names with answers. Raises `UserError` for anything else."""
    loaded = given.read(path)
    questions = reference.questions()
    for name, row in loaded.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or not isinstance(row, dict):
            message = f"{path}: {name}: write a name of a-z, 0-9 and hyphens, and answers below it."
            raise UserError(message)
        try:
            given.check_names(row, questions)
        except UserError as error:
            message = f"{path}: {name}: {error.message}"
            raise UserError(message) from None
    return loaded


def shard(made: Mapping[str, dict[str, Any]], number: int, count: int) -> dict[str, dict[str, Any]]:
    """Return every `count`-th row from the `number`-th on: together the shards hold each row once."""
    return dict(itertools.islice(made.items(), number - 1, None, count))


def answers(row: Row) -> dict[str, Any]:
    """The answers of one row, as Copier takes them."""
    return {question: yaml.safe_load(level) for question, level in row.items()}


def identifier(row: Row) -> str:
    """A name that stays the same as long as the row's answers do."""
    return f"{row['profile']}-{hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:8]}"


def pairs(row: Row) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """The pairs of levels that one row covers."""
    yield from itertools.combinations(sorted(row.items()), 2)


def write(target: Path, made: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write one answers file per row into `target`. Return the entries of a GitHub Actions matrix.

    An entry has `id`, `answers_file` and the `answers` themselves, so that a job needs nothing but its entry.
    """
    target.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, row in made.items():
        (target / f"{name}.yml").write_text(yaml.safe_dump(dict(row)), encoding="utf-8")
        entries.append({"id": name, "answers_file": f"{target}/{name}.yml", "answers": dict(row)})
    return entries
