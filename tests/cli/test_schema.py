"""The JSON Schema of an answers file agrees with the questions, and the Backstage template with Backstage's rules."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from sampan import cli, matrix
from sampan.questionnaire import Questionnaire
from sampan.schema import boxes, portable
from tests.cli.wrong_answers import WRONG
from tests.generator.test_answers import INVALID, VALID
from tests.harness import Renderer

INEXPRESSIBLE: Final = {
    "az-count-with-a-decimal": "2.0 is the integer 2 in JSON",
    "nat-gateways-with-a-decimal": "1.0 is the integer 1 in JSON",
    "cidr-not-a-network": "arithmetic: bits of the host are set",
    "nodes-fewer-than-fewest": "compares two answers",
    "fewest-and-most": "compares two answers",
    "twice": "a YAML parser keeps the last of two lines",
}
"""Faults that no schema can express; `sampan lint` finds them."""


def printed(*arguments: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert cli.run(["schema", *arguments]) == 0
    return output.getvalue()


@pytest.fixture(scope="module")
def questionnaire() -> Iterator[Questionnaire]:
    with Questionnaire() as ready:
        yield ready


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    document = json.loads(printed())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def test_every_question_and_every_entry_of_copier_is_a_property(validator: Draft202012Validator, questionnaire: Questionnaire) -> None:
    assert set(validator.schema["properties"]) == {*questionnaire.names, "_commit", "_src_path", "_kept"}


def test_every_valid_answers_file_is_accepted(validator: Draft202012Validator, render: Renderer) -> None:
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in VALID]
    rows = [matrix.answers(row) for row in matrix.rows()]
    stored = yaml.safe_load((render() / ".copier-answers.yml").read_text(encoding="utf-8"))
    accepted = [answers for answers in [*files, *rows, stored] if validator.is_valid(answers)]
    assert len(accepted) == len(files) + len(rows) + 1
    assert len(files) >= 10
    assert len(rows) >= 25


def test_every_invalid_answers_file_is_refused_unless_no_schema_can(validator: Draft202012Validator) -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in INVALID} | {fault: text for fault, (text, _) in WRONG.items()}
    accepted = {fault for fault, text in files.items() if validator.is_valid(_for_json(yaml.safe_load(text)))}
    assert accepted == set(INEXPRESSIBLE)
    assert len(files) >= 95
    assert len(INEXPRESSIBLE) == 6


def _for_json(answers: dict[Any, Any]) -> dict[str, Any]:
    """The answers as a program reads them from JSON, which has neither dates nor keys that are numbers."""
    return {str(name): json.loads(json.dumps(answer, default=lambda date: {"date": str(date)})) for name, answer in answers.items()}


BORDERS: Final = [
    ("project_name", "a" * 60), ("project_name", "a" * 61), ("project_name", " a"), ("project_name", "a "), ("project_name", "\x7f"),
    ("description", "a" * 120), ("description", "a" * 121), ("service", "a" * 24), ("service", "a" * 25), ("service", "a"),
    ("service", "a--b"), ("service", "kube"), ("service", "kube-"), ("service", "httpx"), ("service", "httpx2"), ("platform_name", "keda"),
    ("platform_name", "sg-a"), ("team", "a"), ("team", "ab"), ("team", "a" * 40), ("team", "a" * 41), ("team", "1a"), ("owner_email", ""),
    ("alert_email", ""),
    ("alert_email", "a@b.co"), ("alert_email", "a@b"), ("github_owner", "a-b"), ("github_owner", "a--b"), ("github_owner", "a" * 39),
    ("github_owner", "a" * 40), ("route_prefix", "/a/b/c"), ("route_prefix", "/a/b/c/d"), ("route_prefix", "/" + "a" * 39),
    ("route_prefix", "/" + "a" * 40), ("domain", "a" * 52 + ".com"), ("domain", "a" * 53 + ".com"), ("domain", "localhost"), ("domain", ""),
    ("node_min", 1), ("node_min", 2), ("node_min", 100), ("node_min", 101), ("node_max", 200), ("node_max", 201), ("db_storage_gb", 19),
    ("db_storage_gb", 20), ("db_storage_gb", 16384), ("db_storage_gb", 16385), ("cache_replicas", -1), ("cache_replicas", 5),
    ("cache_replicas", 6), ("monthly_budget_usd", 0), ("monthly_budget_usd", 10_000_000), ("monthly_budget_usd", 10_000_001),
    ("languages", ["en", "en"]), ("languages", []), ("languages", ["id", "en"]), ("environments", ["dev", "staging"]), ("environments", []),
    ("api_public_cidrs", []), ("api_public_cidrs", ["10.0.0.0/8"]), ("api_public_cidrs", ["10.0.0.0"]), ("api_public_cidrs", [1]),
    ("vpc_cidr", "172.16.0.0/20"), ("vpc_cidr", "172.32.0.0/16"), ("vpc_cidr", "10.0.0.0/21"),
    ("az_count", 4), ("log_retention_days", 2), ("availability_objective", "99.95"), ("availability_objective", "100"),
    ("latency_objective", "95"), ("latency_objective", "90"), ("destroyed", True), ("destroyed", 1),
    ("currency", "JPY"), ("time_zone", "Etc/GMT+8"),
]  # fmt: skip
"""Answers on both sides of each limit."""


@pytest.mark.parametrize(("question", "answer"), BORDERS)
def test_the_schema_and_the_questions_have_the_same_limits(
    question: str, answer: Any, validator: Draft202012Validator, questionnaire: Questionnaire
) -> None:
    """`node_min` raises the default of `node_max`, so the defaults never refuse it."""
    assert validator.is_valid({question: answer}) == (not questionnaire.check({question: answer}).findings)


def test_a_cover_holds_exactly_the_combinations() -> None:
    every: list[dict[str, Any]] = [{"a": a, "b": b} for a in (1, 2, 3) for b in "xyz"]
    inside = [combination for combination in every if combination["a"] == 1 or (combination["a"] == 2 and combination["b"] in "xy")]
    found: list[dict[str, list[Any]]] = boxes(inside, every)
    assert [combination for combination in every if any(all(combination[key] in box[key] for key in box) for box in found)] == inside
    assert found == [{"a": [2], "b": ["x", "y"]}, {"a": [1]}]


def test_patterns_are_those_of_javascript() -> None:
    assert portable("^[a\x00\u2028]+\\Z") == "^[a\\u0000\\u2028]+$"


# Backstage's own rules, read in November 2026 in github.com/backstage/backstage (test_backstage.py runs Backstage's own code on them):
# plugins/scaffolder-common/src/Template.v1beta3.schema.json,
# packages/catalog-model/src/schema/Entity.schema.json and EntityMeta.schema.json, and the names and tags that
# packages/catalog-model/src/validation/CommonValidatorFunctions.ts and KubernetesValidatorFunctions.ts take.
TEMPLATE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "scaffolder.backstage.io/v1beta3"},
        "kind": {"const": "Template"},
        "metadata": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$", "maxLength": 63},
                "title": {"type": "string"},
                "description": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9:+#]+(-[a-z0-9:+#]+)*$", "maxLength": 63}},
            },
        },
        "spec": {
            "type": "object",
            "required": ["type", "steps"],
            "properties": {
                "type": {"type": "string", "minLength": 1},
                "parameters": {"type": "array", "items": {"type": "object"}},
                "steps": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["action"],
                        "properties": {
                            "id": {"type": "string"},
                            "name": {"type": "string"},
                            "action": {"type": "string"},
                            "input": {"type": "object"},
                        },
                    },
                },
                "output": {
                    "type": "object",
                    "properties": {
                        "links": {
                            "type": "array",
                            "items": {"type": "object", "properties": {"url": {"type": "string", "minLength": 1}}},
                        }
                    },
                    "additionalProperties": {"type": "string"},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def form() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(printed("--backstage", "--url", "https://github.com/acme/sampan"))
    return loaded


def test_the_template_keeps_backstages_rules(form: dict[str, Any]) -> None:
    Draft7Validator(TEMPLATE).validate(form)
    for page in form["spec"]["parameters"]:
        Draft7Validator.check_schema(page)
        assert page["title"]
        assert set(page.get("required", [])) <= set(page["properties"])


def test_a_form_has_every_question_once_but_the_confirmation(form: dict[str, Any], questionnaire: Questionnaire) -> None:
    fields = [name for page in form["spec"]["parameters"] for name in page["properties"]]
    assert sorted(fields) == sorted({*questionnaire.names, "repoUrl"} - {"destroyed"})
    assert [name for name in fields if name in questionnaire.names][:3] == ["project_name", "service", "github_owner"]


def test_every_reference_of_the_steps_resolves(form: dict[str, Any]) -> None:
    spec = form["spec"]
    parameters = {name for page in spec["parameters"] for name in page["properties"]}
    steps = {step["id"] for step in spec["steps"]}
    expressions = re.findall(r"\$\{\{ (\S+) \}\}", json.dumps([spec["steps"], spec["output"]]))
    assert len(expressions) == 4
    for expression in expressions:
        head, *rest = expression.split(".")
        assert head in {"parameters", "steps"}, expression
        assert not rest or rest[0] in {"parameters": parameters, "steps": steps}[head], expression


def test_the_form_accepts_and_refuses_like_the_questions(form: dict[str, Any]) -> None:
    service, details, _ = (Draft7Validator(page) for page in form["spec"]["parameters"])
    filled = {"project_name": "Orders", "service": "orders", "github_owner": "acme", "profile": "startup"}
    assert service.is_valid(filled)
    assert not service.is_valid(filled | {"profile": "production"})
    assert service.is_valid(filled | {"profile": "production", "domain": "api.example.com"})
    assert not service.is_valid(filled | {"service": "kube-system"})
    assert details.is_valid({})
    assert not details.is_valid({"default_language": "th"})
    assert details.is_valid({"environments": ["dev", "production"], "languages": ["en", "th"], "default_language": "th"})
    for page in form["spec"]["parameters"]:
        for name, field in page["properties"].items():
            assert "default" not in field or Draft7Validator(field).is_valid(field["default"]), name
            assert len(field.get("enumNames", [])) in {0, len(field.get("enum", []))}, name


def test_a_url_without_backstage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["schema", "--url", "https://example.com"]) == 2
    assert "Add --backstage" in capsys.readouterr().err
