"""Stored answers: refused with the reason when no longer valid, and kept while their questions are not asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from copier import Worker
from copier._user_data import AnswersMap, Question

from sampan import reference
from tests.harness import ANSWERS_FILE, Renderer, commit_all, copy_questionnaire, fast_copier, git
from tests.update.test_update import release

QUESTIONS = {name: details for name, details in reference.questions().items() if name != "destroyed"}
"""All that are stored."""
NO_LONGER_VALID = "no longer\nvalid"
"""No question takes this."""


@pytest.fixture(scope="module")
def answers(render: Renderer) -> Mapping[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((render() / ANSWERS_FILE).read_text(encoding="utf-8"))
    return loaded


def test_every_question_holds_on_to_an_answer_that_is_no_longer_valid(answers: Mapping[str, Any], template: Path, tmp_path: Path) -> None:
    """Copier drops such an answer and takes the default, which has to be that answer."""
    (tmp_path / ANSWERS_FILE).write_text(yaml.safe_dump(dict.fromkeys(QUESTIONS, NO_LONGER_VALID)), encoding="utf-8")
    with fast_copier():
        worker = Worker(src_path=str(template), dst_path=tmp_path, quiet=True)
        worker.answers = AnswersMap(user={name: answers[name] for name in QUESTIONS}, external=worker._external_data())
        context = worker._render_context()
        asked = {name: details for name, details in worker.template.questions_data.items() if name in QUESTIONS}
        assert asked
        for name, details in asked.items():
            question = Question(answers=worker.answers, context=context, jinja_env=worker.jinja_env, var_name=name, **details)
            with pytest.raises(ValueError, match=f"'{name}'"):
                question.get_default()


@pytest.mark.parametrize("answers_file", [ANSWERS_FILE, ".answers [1].yml"])
def test_an_answer_that_is_no_longer_valid_is_refused(
    answers_file: str, answers: Mapping[str, Any], template: Path, tmp_path: Path
) -> None:
    (tmp_path / answers_file).write_text(yaml.safe_dump({**answers, "languages": ["en", "xx"]}), encoding="utf-8")
    with fast_copier():
        worker = Worker(src_path=str(template), dst_path=tmp_path, answers_file=Path(answers_file), defaults=True, quiet=True)
        with pytest.raises(ValueError, match="'languages': choose from en, "):
            worker._ask()


@pytest.mark.parametrize("question", ["domain", "cache_node_type"])
def test_a_new_answer_replaces_the_refused_one(question: str, answers: Mapping[str, Any], template: Path, tmp_path: Path) -> None:
    (tmp_path / ANSWERS_FILE).write_text(yaml.safe_dump({**answers, question: NO_LONGER_VALID}), encoding="utf-8")
    wanted = {"domain": "api.example.com", "cache_node_type": "cache.t4g.micro"}[question]
    with fast_copier():
        worker = Worker(src_path=str(template), dst_path=tmp_path, data={question: wanted}, defaults=True, quiet=True)
        worker._ask()
    assert worker.answers.combined == {**worker.answers.combined, **{k: v for k, v in answers.items() if k[0] != "_"}, question: wanted}


@pytest.fixture(scope="module")
def narrowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with its answers file alone and two tags: v2.0.0 no longer offers cache.t4g.small."""
    source = copy_questionnaire(tmp_path_factory.mktemp("narrowed") / "template")
    release(source, "v1.0.0")
    caches = source / "extensions/catalogue/caches.yaml"
    table = yaml.safe_load(caches.read_text(encoding="utf-8"))
    table["types"] = " ".join(name for name in table["types"].split() if name != "cache.t4g.small")
    caches.write_text(yaml.safe_dump(table), encoding="utf-8")
    release(source, "v2.0.0")
    return source


def start(source: Path, project: Path, **answers: Any) -> Path:
    """A project at v1.0.0, committed."""
    with fast_copier():
        copier.run_copy(str(source), project, data=answers, vcs_ref="v1.0.0", defaults=True, quiet=True)
    commit_all(project, "Start")
    return project


def change(project: Path, **answers: Any) -> dict[str, Any]:
    """Update with new answers and commit. Return the stored answers after that."""
    with fast_copier():
        copier.run_update(project, data=answers, vcs_ref="v1.0.0", defaults=True, quiet=True, overwrite=True)
    commit_all(project, "Change")
    loaded: dict[str, Any] = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    return loaded


def test_an_update_leaves_the_project_as_it_is(narrowed: Path, tmp_path: Path) -> None:
    project = start(narrowed, tmp_path / "project", cache_node_type="cache.t4g.small")
    with fast_copier(), pytest.raises(ValueError, match=r"'cache_node_type': 'cache[.]t4g[.]small' is not in"):
        copier.run_update(project, vcs_ref="v2.0.0", defaults=True, quiet=True, overwrite=True)
    assert git("status", "--porcelain", cwd=project) == ""


OF_CREATE = {
    "az_count": 2,
    "vpc_cidr": "10.64.0.0/16",
    "nat_gateways": 1,
    "interface_endpoints": True,
    "api_public_cidrs": ["203.0.113.0/24"],
    "node_instance_type": "m7g.large",
    "node_min": 3,
    "node_max": 9,
    "spot": True,
    "audit_trail": True,
    "off_hours_shutdown": "weekends",
    "waf": True,
}
"""Another answer than the default to each question that a service which joins is not asked."""


def test_a_service_that_joins_and_leaves_again_has_its_platforms_answers(narrowed: Path, tmp_path: Path) -> None:
    """With the default network instead, the next plan would replace the network."""
    assert set(OF_CREATE) == {name for name, details in QUESTIONS.items() if "when" in details}
    project = start(narrowed, tmp_path / "project", **OF_CREATE)
    before = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    joined = change(project, platform="join", platform_name="shared", destroyed=True)
    assert joined["_kept"] == OF_CREATE
    assert not set(OF_CREATE) & set(joined)
    assert change(project, tracing=True)["_kept"] == OF_CREATE
    assert change(project, platform="create", platform_name=before["platform_name"], tracing=before["tracing"], destroyed=True) == before
