"""Valid answer files render; each invalid one is answered by one line, and nothing is written."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.harness import Renderer

ANSWERS = Path(__file__).parent / "answers"
VALID = sorted((ANSWERS / "valid").glob("*.yml"))
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
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--data-file", str(path), str(template), str(target)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    last = run.stderr.rstrip().splitlines()[-1]
    assert run.returncode != 0
    assert f"'{question}'" in last
    assert message in last
    assert not target.exists()


def test_every_question_of_the_corpus_exists(template: Path) -> None:
    questions = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    for path in VALID + INVALID:
        assert set(yaml.safe_load(path.read_text(encoding="utf-8"))) <= set(questions), path.stem
