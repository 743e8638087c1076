"""`sampan doctor`: one line per finding, and an exit code for scripts."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Sampan
from tests.harness import commit_all, git, required

TOOLS = ("--ignore", "tool")
"""Which tools a machine has is not the test's business."""


def test_a_project_as_it_was_rendered_is_behind_and_nothing_else(sampan: Sampan, releases: Path, project: Path) -> None:
    outcome = sampan("doctor", project, *TOOLS, "--template", releases)
    assert (outcome.code, outcome.out) == (1, "version  v1.0.0: 1 release behind v1.1.0\n")
    outcome = sampan("doctor", project, *TOOLS, "--template", releases, "--ignore", "version")
    assert (outcome.code, outcome.out) == (0, "No findings.\n")


def test_every_kind_of_finding_has_its_line(sampan: Sampan, project: Path) -> None:
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text(encoding="utf-8").replace("az_count: 3", "az_count: 3\naz_cuont: 3"), encoding="utf-8")
    sizes = project / "infra/environments/production.service.tfvars"
    sizes.write_text(sizes.read_text(encoding="utf-8").replace("= 20", "= 50"), encoding="utf-8")
    clock = project / "src/app/kit/clock.py"
    clock.write_text(clock.read_text(encoding="utf-8").replace("clock 3\n", "clock of ours\n"), encoding="utf-8")
    (project / "src/app/kit/old.py").unlink()
    (project / "src/app/main.py").write_text("ours\n", encoding="utf-8")
    (project / "README.md").write_text("ours\n", encoding="utf-8")
    (project / "notes.md").write_text("<<<<<<< before updating\n", encoding="utf-8")
    commit_all(project, "Ours")
    outcome = sampan("doctor", project, "--json")
    assert outcome.code == 1
    found = {(finding["kind"], finding["subject"]) for finding in json.loads(outcome.out) if finding["kind"] != "tool"}
    assert found == {
        ("answer", "az_cuont"),
        ("drift", "infra/environments/production.service.tfvars"),
        ("edited", "src/app/kit/clock.py"),
        ("missing", "src/app/kit/old.py"),
        ("conflict", "notes.md"),
        ("template", ".copier-answers.yml"),
        ("version", "v1.0.0"),
    }
    answers.write_text(answers.read_text(encoding="utf-8").replace("az_count: 3", "az_count: 5"), encoding="utf-8")
    assert "answer   az_count: 5 is not in [2, 3] (the files are not compared)\n" in sampan("doctor", project).out


def test_credentials_in_the_stored_url_are_named_and_not_repeated(sampan: Sampan, project: Path) -> None:
    answers = project / ".copier-answers.yml"
    stored = re.sub("(?m)^_src_path: .*", "_src_path: https://bot:s3cret@127.0.0.1:9/sampan.git", answers.read_text(encoding="utf-8"))
    answers.write_text(stored, encoding="utf-8")
    shown = sampan("doctor", project, *TOOLS).out
    assert "answer   _src_path: holds a user or a password: write the URL without them" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize("subfolder", ["services/orders", ""])
def test_workflows_in_a_subfolder_never_run(subfolder: str, sampan: Sampan, releases: Path, first: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop" / subfolder
    shutil.copytree(first, folder, ignore=shutil.ignore_patterns(".git"))
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/ci.yml").touch()
    git("init", "-q", cwd=tmp_path / "shop")
    commit_all(tmp_path / "shop", "Begin")
    outcome = sampan("doctor", folder, *TOOLS, "--ignore", "version", "--template", releases)
    lines = [line for line in outcome.out.splitlines() if line.startswith("place")]
    if subfolder:
        [line] = lines
        assert line.startswith("place    .github/workflows: never run: GitHub runs those in .github/workflows of the repository's root;")
        assert line.endswith("move them and set working-directory: services/orders")
    else:
        assert lines == []


def test_tools_that_are_missing_are_named(sampan: Sampan, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(required("git"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    outcome = sampan("doctor", project, "--template", tmp_path / "none")
    assert f"template .copier-answers.yml: The template {tmp_path / 'none'} cannot be read" in outcome.out
    for tool in ("uv", "terraform", "kubectl", "docker"):
        assert f"tool     {tool}: not found" in outcome.out
    assert "tool     git" not in outcome.out
