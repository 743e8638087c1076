"""`sampan lint`: the right line for every wrong answers file, and the verdicts of plain Copier."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import copier
import pytest
import yaml

from sampan import cli, matrix
from sampan.errors import FINDINGS
from sampan.questionnaire import LONGEST, Questionnaire
from tests.cli.wrong_answers import WRONG
from tests.generator.test_answers import INVALID, VALID
from tests.harness import Renderer, copy_questionnaire, fast_copier

LONGEST_LINE = 100
"""Characters of a line, with the name of the file."""


@pytest.fixture(scope="module")
def questionnaire() -> Iterator[Questionnaire]:
    with Questionnaire() as ready:
        yield ready


def lint(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Run `sampan lint`. Return the exit code and the lines of standard output."""
    code = cli.run(["lint", *map(str, arguments)])
    return code, capsys.readouterr().out.splitlines()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines of one run over all the wrong files, by fault."""
    folder = tmp_path_factory.mktemp("wrong")
    for fault, (text, _) in WRONG.items():
        (folder / f"{fault}.yml").write_text(f"{text}\n", encoding="utf-8")
    output = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(output):
        code = cli.run(["lint", *(f"{fault}.yml" for fault in WRONG)])
    assert code == FINDINGS
    found: dict[str, list[str]] = {fault: [] for fault in WRONG}
    for line in output.getvalue().splitlines():
        fault, _, rest = line.partition(".yml:")
        found[fault].append(rest)
    return found


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_answers_file_gets_its_line(fault: str, lines: dict[str, list[str]]) -> None:
    assert lines[fault] == [WRONG[fault][1]]
    assert len(f"a.yml:{lines[fault][0]}") <= LONGEST_LINE


def test_forty_faults_are_listed() -> None:
    assert len(WRONG) >= 40


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_what_copier_refuses_gets_one_line(path: Path, questionnaire: Questionnaire) -> None:
    question, message = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(": ", 1)
    [finding] = questionnaire.check(yaml.safe_load(path.read_text(encoding="utf-8"))).findings
    assert finding.question == question
    assert len(finding.message) <= LONGEST
    if " is not in" not in message:  # Copier's own words
        assert message in finding.message


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without files, which Copier renders at once."""
    return copy_questionnaire(tmp_path_factory.mktemp("questions") / "template")


@pytest.mark.parametrize("path", [path for path in VALID if path.stem in {"everything", "join", "sandbox"}], ids=lambda path: path.stem)
def test_the_answers_are_those_that_plain_copier_stores(path: Path, questionnaire: Questionnaire, questions: Path, tmp_path: Path) -> None:
    """Red when a release of Copier changes the classes that the adapter drives."""
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    verdict = questionnaire.check(given)
    assert not verdict.findings
    with fast_copier():
        copier.run_copy(str(questions), tmp_path / "p", data=given, defaults=True, quiet=True)
    stored = yaml.safe_load((tmp_path / "p/.copier-answers.yml").read_text(encoding="utf-8"))
    assert {name: answer for name, answer in stored.items() if not name.startswith("_")} == {
        name: answer for name, answer in verdict.answers.items() if name in verdict.asked and name != "destroyed"
    }


def test_every_row_of_the_matrix_is_valid(questionnaire: Questionnaire) -> None:
    refused = {matrix.identifier(row): findings for row in matrix.rows() if (findings := questionnaire.check(matrix.answers(row)).findings)}
    assert not refused


@pytest.mark.parametrize("fault", ["date", "nothing", "list-for-text", "decimal", "truth-for-number", "three-gateways", "tls"])
def test_plain_copier_refuses_it_too(fault: str, questions: Path, tmp_path: Path) -> None:
    with fast_copier(), pytest.raises((ValueError, TypeError)):
        copier.run_copy(str(questions), tmp_path / "p", data=yaml.safe_load(WRONG[fault][0]), defaults=True, quiet=True)


def test_a_project_lints_its_own_answers_file(render: Renderer, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(render() / ".copier-answers.yml", capsys=capsys) == (0, [])


def test_all_files_and_all_faults_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (tmp_path / name for name in ("first.yml", "second.yml", "third.yml"))
    first.write_text("service: default\nwaf: 1\nwaff: true\n", encoding="utf-8")
    second.write_text("service: orders\n", encoding="utf-8")
    third.write_text("service: [\n", encoding="utf-8")
    code, lines = lint(first, second, third, tmp_path / "none.yml", capsys=capsys)
    assert code == 1
    assert [line.removeprefix(f"{tmp_path}/") for line in lines] == [
        "first.yml:waff: unknown question. Did you mean 'waf'?",
        "first.yml:service: choose default-api: Kubernetes reserves the namespace",
        "first.yml:waf: choose true or false",
        "third.yml: line 2 is not YAML: expected the node content, but found '<stream end>'.",
        "none.yml: does not exist.",
    ]


def test_the_document_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yml"
    path.write_text("waf: 1\n", encoding="utf-8")
    assert cli.run(["lint", "--json", str(path)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "files": 1,
        "findings": [{"file": str(path), "key": "waf", "message": "choose true or false"}],
    }
    path.write_text("waf: true\n", encoding="utf-8")
    assert cli.run(["lint", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": 1, "findings": []}
