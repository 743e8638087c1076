"""The questionnaire: its questions, their order, their help, and defaults that always fit."""

import subprocess
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from sampan import matrix, reference
from tests.harness import ANSWERS_FILE, ROOT, Renderer, copy_questionnaire, fast_copier

ASKED = [
    "project_name",
    "service",
    "github_owner",
    "profile",
    "aws_region",
    "platform",
    "platform_name",
    "az_count",
    "node_instance_type",
    "spot",
    "db_instance_class",
    "cache_node_type",
    "domain",
]
CREATE, JOIN = "{= platform == 'create' =}", "{= platform == 'join' =}"
"""The two conditions that questions have."""

COPIER_DEFAULT_EXCLUDES = ["copier.yaml", "copier.yml", "~*", "*.py[co]", "__pycache__", ".git", ".DS_Store", ".svn"]


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def questions() -> dict[str, dict[str, Any]]:
    return reference.questions()


def test_computed_values_are_neither_asked_nor_stored(
    settings: dict[str, Any], questions: dict[str, dict[str, Any]], render: Renderer
) -> None:
    computed = {name for name in settings if not name.startswith("_")} - set(questions)
    assert computed == {"previous", "sizes", "costs", "github_enforces"}
    stored = yaml.safe_load((render({}) / ANSWERS_FILE).read_text(encoding="utf-8"))
    assert not computed & set(stored)


def test_no_question_is_cut_at_the_edge_of_a_terminal(questions: dict[str, dict[str, Any]]) -> None:
    """Copier puts a picture of two columns and a space before a question, and cuts what is longer than a line of 80."""
    long = {name: details["help"] for name, details in questions.items() if name != "destroyed" and len(details["help"]) > 80 - 3}
    assert long == {}


def test_twelve_questions_are_asked_and_ten_of_a_service_that_joins(questions: dict[str, dict[str, Any]]) -> None:
    asked = {name: {details.get("ask", True), details.get("when", True)} for name, details in questions.items() if details.get("ask", True)}
    assert list(asked) == ASKED
    assert [name for name in ASKED if asked[name] == {True, CREATE}] == ["az_count", "node_instance_type", "spot"]
    assert [name for name in ASKED if asked[name] == {True, JOIN}] == ["platform_name"]
    assert all(conditions in ({True}, {True, CREATE}, {True, JOIN}) for conditions in asked.values())


def test_what_is_not_asked_when_joining_is_not_in_the_matrix_there(questions: dict[str, dict[str, Any]]) -> None:
    conditions = {name: details["when"] for name, details in questions.items() if "when" in details}
    assert set(conditions.values()) == {CREATE}
    assert set(conditions) & set(matrix.levels()) == set(matrix.NOT_ASKED_WHEN_JOINED)


def test_every_question_has_help_a_default_and_a_check(questions: dict[str, dict[str, Any]]) -> None:
    for name, details in questions.items():
        assert details["help"], name
        assert "default" in details, name
        assert "choices" in details or "validator" in details, name


def test_excludes_start_with_copiers_own_defaults(settings: dict[str, Any]) -> None:
    assert settings["_exclude"][: len(COPIER_DEFAULT_EXCLUDES)] == COPIER_DEFAULT_EXCLUDES


def test_nothing_needs_trust(settings: dict[str, Any]) -> None:
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(settings)


def test_the_message_after_copying_quotes_the_path(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its `cd` works in a shell wherever the project is."""
    project = tmp_path / "my client's $HOME"
    with fast_copier(), copier.Worker(src_path=str(template), dst_path=project, defaults=True, pretend=True) as worker:
        worker.run_copy()
    [command] = [line for line in capsys.readouterr().err.splitlines() if line.strip().startswith("cd ")]
    project.mkdir()
    done = subprocess.run(["sh", "-c", f"{command} && pwd"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(project)


def test_the_message_after_copying_from_a_path_says_how_colleagues_can_update(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path exists on one machine, and `copier update` of a colleague needs the template."""
    source = copy_questionnaire(tmp_path / "template")
    with fast_copier(), copier.Worker(src_path=str(source), dst_path=tmp_path / "project", defaults=True) as worker:
        worker.run_copy()
    assert f"({source})" in (said := capsys.readouterr().err)
    assert "URL of the\ntemplate's repository to _src_path in .copier-answers.yml" in said


def profile_answers(profile: str, region: str) -> dict[str, Any]:
    return {"profile": profile, "aws_region": region, "domain": "api.example.com" if profile in {"production", "regulated"} else ""}


@pytest.mark.parametrize("profile", ["sandbox", "startup", "production", "regulated"])
@pytest.mark.parametrize("region", ["ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "us-east-1"])
def test_the_defaults_of_every_profile_fit_every_region(profile: str, region: str, template: Path, tmp_path: Path) -> None:
    with fast_copier():
        copier.run_copy(str(template), tmp_path / "p", data=profile_answers(profile, region), defaults=True, quiet=True, pretend=True)


def test_the_startup_profile_is_the_reference_architecture(template: Path, tmp_path: Path) -> None:
    with fast_copier(), copier.Worker(src_path=str(template), dst_path=tmp_path / "p", defaults=True, quiet=True, pretend=True) as worker:
        worker.run_copy()
        answers = worker.answers.combined
    promised = {
        "az_count": 3,
        "nat_gateways": 2,
        "node_min": 2,
        "node_instance_type": "t3.medium",
        "db_instance_class": "db.t3.micro",
        "db_multi_az": True,
        "cache_node_type": "cache.t3.micro",
        "cache_replicas": 1,
        "spot": False,
        "delivery": "rolling",
        "aws_region": "ap-southeast-1",
        "vpc_cidr": "10.0.0.0/16",
    }
    assert {name: answers[name] for name in promised} == promised
