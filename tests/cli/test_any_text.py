"""Any text for any free question: a project whose files parse, or a refusal in one line. Never a traceback, never a broken file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from sampan.questionnaire import LONGEST, Questionnaire
from tests.generator.formats import parser_of
from tests.harness import Renderer, required

FREE: Final = (
    "project_name", "service", "description", "team", "owner_email", "github_owner", "currency", "time_zone", "route_prefix",
    "platform_name", "vpc_cidr", "domain", "alert_email",
)  # fmt: skip
"""Questions that take text and offer no choice."""
FREE_OF_OTHER_TYPES: Final = (
    "languages", "environments", "api_public_cidrs", "node_min", "node_max", "db_storage_gb", "cache_replicas", "monthly_budget_usd",
)  # fmt: skip
PHASES: Final = [Phase.explicit, Phase.generate]
"""No shrinking: the text that failed says enough."""
QUIET: Final = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]

LIKELY: Final[dict[str, st.SearchStrategy[str]]] = {
    "service": st.from_regex(r"[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,6}){0,2}", fullmatch=True),
    "team": st.from_regex(r"[a-z][a-z0-9-]{1,20}", fullmatch=True),
    "owner_email": st.from_regex(r"[A-Za-z0-9._%+-]{1,9}@[a-z]{1,9}[.](com|io|co[.]th)", fullmatch=True),
    "github_owner": st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True),
    "currency": st.sampled_from(["SGD", "THB", "JPY", "KWD", "sgd", "XXX"]),
    "time_zone": st.sampled_from(["Etc/GMT+8", "Singapore", "Asia/Kathmandu", "America/St_Johns", "UTC", "Mars/Base"]),
    "route_prefix": st.from_regex(r"(/[a-z0-9-]{1,9}){1,3}", fullmatch=True),
    "vpc_cidr": st.from_regex(r"10[.][0-9]{1,3}[.]0[.]0/1[5-9]", fullmatch=True),
    "domain": st.from_regex(r"([a-z0-9-]{1,9}[.]){1,3}(com|io|th)|", fullmatch=True),
}
"""Text near to what a question takes, so that much of it is accepted."""
LIKELY["platform_name"], LIKELY["alert_email"] = LIKELY["service"], LIKELY["owner_email"]
TEXT: Final = st.text(max_size=70)
ANYTHING: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.lists(st.one_of(TEXT, st.integers(), st.lists(TEXT)), max_size=3),
    st.dictionaries(TEXT, TEXT, max_size=2),
)  # fmt: skip


@pytest.fixture(scope="module")
def questionnaire() -> Iterator[Questionnaire]:
    with Questionnaire() as ready:
        yield ready


def judge(questionnaire: Questionnaire, question: str, answer: Any) -> None:
    """Assert that an answer is accepted unchanged, or refused in one short line that names its question."""
    verdict = questionnaire.check({question: answer})
    for finding in verdict.findings:
        assert finding.question == question or question in {"node_min", "node_max", "languages"}, finding
        assert 0 < len(finding.message) <= LONGEST
        assert len(finding.message.splitlines()) == 1
    if not verdict.findings:
        assert verdict.answers[question] == answer
        assert type(verdict.answers[question]) is type(answer)


def test_every_free_question_is_tried(questionnaire: Questionnaire) -> None:
    choices = {name for name, details in questionnaire.details.items() if "choices" in details}
    assert set(questionnaire.names) - choices - {"destroyed"} == {*FREE, *FREE_OF_OTHER_TYPES}


@pytest.mark.parametrize("question", [*FREE, *FREE_OF_OTHER_TYPES])
def test_an_answer_of_any_kind_is_accepted_as_given_or_refused_in_a_line(question: str, questionnaire: Questionnaire) -> None:
    @settings(max_examples=4, phases=PHASES, deadline=None, suppress_health_check=QUIET)
    @given(answer=st.one_of(ANYTHING, LIKELY.get(question, TEXT)))
    @example(answer="a\n")
    @example(answer="${x} {{ y }} {= z =} #% if `v` \\ ' \"")
    def tried(answer: Any) -> None:
        judge(questionnaire, question, answer)

    tried()


@pytest.mark.slow
@pytest.mark.parametrize("question", [*FREE, *FREE_OF_OTHER_TYPES])
def test_many_answers_of_any_kind(question: str, questionnaire: Questionnaire) -> None:
    @settings(max_examples=300, phases=PHASES, deadline=None, suppress_health_check=QUIET)
    @given(answer=st.one_of(ANYTHING, LIKELY.get(question, TEXT)))
    def tried(answer: Any) -> None:
        judge(questionnaire, question, answer)

    tried()


@st.composite
def accepted(draw: st.DrawFn) -> dict[str, Any]:
    """Text for every free question; `render_accepted` drops what is refused."""
    line = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=60).map(str.strip).filter(bool)
    texts = {question: draw(LIKELY.get(question, line)) for question in FREE}
    return texts | {"environments": draw(st.sampled_from([["dev"], ["production"], ["dev", "production"]]))}


def render_accepted(answers: dict[str, Any], questionnaire: Questionnaire, render: Renderer) -> Path:
    """Render the answers that are not refused, and parse every file that has a format."""
    for finding in questionnaire.check(answers).findings:
        answers.pop(finding.question, None)
    assert not questionnaire.check(answers).findings
    project = render(answers)
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert {question: stored[question] for question in answers} == answers
    for path in project.rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".tf"} and (parser := parser_of(path)):
            parser(path.read_text(encoding="utf-8"))
    return project


AWKWARD: Final = {
    "project_name": "no", "service": "on", "description": "\"q\" 'q' \\n {{ x }} {= y =} ${z} %{w} `v` <b>&amp; # c", "team": "null",
    "owner_email": "a%b+c@d.io", "github_owner": "1e3", "currency": "KWD", "time_zone": "America/St_Johns", "route_prefix": "/0/1e3/no",
    "platform_name": "n0", "vpc_cidr": "192.168.0.0/18", "domain": "0x1.no.io", "alert_email": "on@no.io", "environments": ["dev"],
}  # fmt: skip


@settings(max_examples=1, phases=PHASES, deadline=None, suppress_health_check=QUIET)
@given(answers=accepted())
@example(answers=AWKWARD)
def test_accepted_text_ends_up_in_files_that_parse(answers: dict[str, Any], questionnaire: Questionnaire, render: Renderer) -> None:
    render_accepted(dict(answers), questionnaire, render)


@pytest.mark.slow
@settings(max_examples=25, phases=PHASES, deadline=None, suppress_health_check=QUIET)
@given(answers=accepted())
@example(answers=AWKWARD)
def test_accepted_text_gives_manifests_and_variables_that_tools_read(
    answers: dict[str, Any], questionnaire: Questionnaire, render: Renderer
) -> None:
    """Kustomize builds each overlay, and Terraform evaluates the variables with their validations."""
    project = render_accepted(dict(answers), questionnaire, render)
    for overlay in (project / "deploy/overlays").iterdir():
        subprocess.run([required("kubectl"), "kustomize", overlay], check=True, capture_output=True, env=os.environ)
