"""All pairs of answers render, parse in every format and keep what holds for any project."""

import itertools
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sampan import matrix, reference
from tests.generator import pages
from tests.generator.formats import BINARY, DATA_FORMATS, LEFTOVERS, PYTHON_VALUES, parser_of
from tests.harness import Renderer

ROWS = matrix.rows()
LEVELS = matrix.levels()


def refused(row: Mapping[str, str]) -> bool:
    """Return whether a (partial) combination is impossible. This repeats the rules of the questions."""
    get = row.get
    joined = get("platform") == "join"
    return (
        (get("domain") == "''" and (get("profile") in {"production", "regulated"} or get("mail") == "ses"))
        or (joined and get("off_hours_shutdown", "none") != "none")
        or (joined and any(get(q, LEVELS[q][0]) != LEVELS[q][0] for q in matrix.NOT_ASKED_WHEN_JOINED))
        or (get("nat_gateways") == "3" and get("az_count") == "2")
        or ("dr_region" in row and get("dr_region") == get("aws_region"))
        or (
            get("db_read_replica") == "true"
            and get("off_hours_shutdown") in {"weekends", "nights-and-weekends"}
            and get("environments") in {"[dev]", "[production]"}
        )
    )


RULED = ("profile", "domain", "mail", "platform", "off_hours_shutdown", "db_read_replica", "environments", "az_count", "nat_gateways")


def completable(pair: Mapping[str, str]) -> bool:
    """Can the pair be part of a combination that is not refused? Tries every combination of the ruled questions."""
    free = [question for question in RULED if question not in pair]

    def extend(row: dict[str, str], questions: list[str]) -> bool:
        if refused(row):
            return False
        if not questions:
            return True
        return any(extend({**row, questions[0]: level}, questions[1:]) for level in LEVELS[questions[0]])

    return extend(dict(pair), free)


def test_every_pair_that_is_not_refused_is_covered() -> None:
    covered = {pair for row in ROWS for pair in matrix.pairs(row)}
    every = {
        ((first, a), (second, b))
        for first, second in itertools.combinations(sorted(LEVELS), 2)
        for a in LEVELS[first]
        for b in LEVELS[second]
    }
    missing = {pair for pair in every - covered if completable(dict(pair))}
    assert len(every) > 2000
    assert not missing
    assert not {pair for pair in covered if refused(dict(pair))}


def test_every_question_with_more_than_one_level_is_in_the_matrix() -> None:
    free = {
        "project_name", "service", "description", "team", "owner_email", "github_owner", "platform_name",
        "destroyed",
        "default_language", "vpc_cidr", "node_min", "node_max", "db_storage_gb", "cache_node_type", "monthly_budget_usd",
    }  # fmt: skip
    assert set(reference.questions()) == set(LEVELS) | free


def check_project(project: Path, answers: Mapping[str, Any]) -> None:
    """Assert what every project must satisfy, for any answers."""
    everything = list(project.rglob("*"))
    files = [path for path in everything if path.is_file() and path.suffix not in BINARY]
    assert not [path for path in everything if path.is_dir() and not holds_something(path)]
    assert len(files) > 50
    for path in files:
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(project).as_posix()
        assert not LEFTOVERS.search(text), name
        assert not name.endswith(".jinja")
        assert not (name.endswith(DATA_FORMATS) and PYTHON_VALUES.search(re.sub(r"(^|\s)#.*", "", text))), name
        assert not text or text.endswith("\n"), name
        assert not text.endswith("\n\n"), name
        if path.name != ".copier-answers.yml":
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), name
        if parser := parser_of(path):
            _parse(parser, text, name)
    invariants(project, answers)


def holds_something(folder: Path) -> bool:
    """Whether a folder holds a file, and not only the mark of a package."""
    return any(path.is_file() and path.name != "__init__.py" for path in folder.rglob("*"))


@cache
def _parse(parser: Any, text: str, name: str) -> None:
    try:
        parser(text)
    except Exception as error:
        message = f"{name} does not parse: {error}"
        raise AssertionError(message) from error


def invariants(project: Path, answers: Mapping[str, Any]) -> None:
    """The parts belong to the answers: one overlay and one set of variables an environment, one catalogue a language."""
    environments = sorted(answers["environments"])
    assert sorted(path.name for path in (project / "deploy/overlays").iterdir()) == environments
    for root in ("service",) if answers["platform"] == "join" else ("platform", "service"):
        for environment in environments:
            assert (project / f"infra/environments/{environment}.{root}.tfvars").is_file()
            assert (project / f"infra/environments/{environment}.{root}.s3.tfbackend").is_file()
    assert (project / "infra/platform").exists() == (answers["platform"] == "create")
    assert (project / "src/app/products").exists() == answers["sample"]
    assert (project / "src/app/accounts").exists() == (answers["accounts"] == "local")
    assert list(pages.problems(project)) == []
    locales = {path.stem for path in project.glob("src/app/*/locales/*.po")}
    assert locales == set(answers["languages"]) - {"en"}


@pytest.mark.parametrize("row", ROWS, ids=matrix.identifier)
def test_a_row_renders_clean(row: Mapping[str, str], render: Renderer) -> None:
    answers = matrix.answers(row)
    check_project(render(answers), answers)


@pytest.mark.slow
def test_all_triples_render_clean(render: Renderer) -> None:
    for row in matrix.rows(3):
        answers = matrix.answers(row)
        check_project(render(answers), answers)
