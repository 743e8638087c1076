"""The first screen of the README: two commands, and what they promise."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.harness import GIT_ENVIRONMENT, ROOT, commit_all

README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = "\n".join(README.splitlines()[:30])


def commands() -> list[str]:
    block = re.search(r"```sh\n(.*?)```", FIRST_SCREEN, re.DOTALL)
    assert block is not None
    lines = block.group(1).replace("\\\n", "").splitlines()
    assert max(map(len, block.group(1).splitlines())) <= 96, "GitHub shows 96 columns without a scroll bar"
    return [line for line in lines if line and not line.startswith("#")]


def test_the_first_screen_has_two_commands() -> None:
    assert len(commands()) == 2


def test_ci_runs_the_second_command_to_the_letter() -> None:
    assert commands()[1] in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed."""
    target = tmp_path_factory.mktemp("newcomer") / "sampan"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(target)], check=True)
    return target


def test_the_first_command_renders_a_project_that_can_be_updated(clone: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}} | GIT_ENVIRONMENT
    run = subprocess.run(
        ["sh", "-c", commands()[0]], cwd=clone, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert run.returncode == 0, run.stderr
    assert "--trust" not in commands()[0]
    project = clone.parent / "my-service"
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["_src_path"] == str(clone)
    assert (project / "README.md").is_file()
    commit_all(project, "Start")
    update = subprocess.run(
        [clone / ".venv/bin/copier", "update", "--defaults", "--vcs-ref", "HEAD"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert update.returncode == 0, update.stderr
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == ""


@pytest.mark.parametrize("document", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / link).exists(), link
