"""Valid answer files render; each invalid one is answered by one line, and nothing is written."""

import subprocess
import sys
from pathlib import Path

import copier
import pytest
import yaml

from tests.harness import Renderer, fast_copier

ANSWERS = Path(__file__).parent / "answers"
VALID = sorted((ANSWERS / "valid").glob("*.yml"))
LONGEST = 72
"""Characters of a refusal that a terminal of 80 columns shows; Copier's own words take more lines."""
REMEDIES = {"add", "choose", "remove", "write"}
"""The first words of a refusal, with the right value after it: what stands at the end of a line is cut."""
INVALID = sorted((ANSWERS / "invalid").glob("*.yml"))


def test_the_corpora_are_there() -> None:
    assert len(VALID) >= 8
    assert len(INVALID) >= 20


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_answers_file_renders(path: Path, render: Renderer) -> None:
    answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    stored = yaml.safe_load((render(answers) / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert {question: stored[question] for question in answers} == answers


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_answers_file_gets_one_line_and_nothing_is_written(path: Path, template: Path, tmp_path: Path) -> None:
    question, message = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(": ", 1)
    target = tmp_path / "project"
    answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    with fast_copier(), pytest.raises(ValueError, match=f"'{question}'") as refused:
        copier.run_copy(str(template), target, data=answers, defaults=True, quiet=True)
    [last] = str(refused.value).splitlines()
    assert message in last
    assert not target.exists()
    refusal = last.split(f"'{question}': ", 1)[1]
    if " is not in [" not in refusal:  # Copier's own words, which hold every choice
        assert len(refusal) <= LONGEST, refusal
        assert refusal.split()[0] in REMEDIES, refusal


def test_the_command_line_prints_a_refusal_as_its_last_line(template: Path, tmp_path: Path) -> None:
    path, target = ANSWERS / "invalid/service-kube.yml", tmp_path / "project"
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--data-file", str(path), str(template), str(target)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert run.returncode != 0
    assert path.read_text(encoding="utf-8").splitlines()[0].split(": ", 1)[1] in run.stderr.rstrip().splitlines()[-1]
    assert not target.exists()


def test_every_question_of_the_corpus_exists(template: Path) -> None:
    questions = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    for path in VALID + INVALID:
        assert set(yaml.safe_load(path.read_text(encoding="utf-8"))) <= set(questions), path.stem
