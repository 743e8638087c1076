"""The template's own workflows: the rendered matrix, the slow suites, and what may be released."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Renderer, commit_all, git
from tests.workflows.projects import VARIANTS, steps_of, triggers_of, workflows_of
from tests.workflows.test_scripts import run

OWN = workflows_of(ROOT)
CHANGELOG = """# Changelog

## Unreleased

Nothing.

## 1.4.0

Better canaries.

An update touches: `deploy/src`.

## 1.3.0

Older.
"""


def test_it_has_the_workflows_that_a_template_needs() -> None:
    assert set(OWN) == {"ci", "cluster", "docs", "newest", "release", "slow"}
    assert "schedule" in triggers_of(OWN["slow"])
    assert "-m slow" in " ".join(step.get("run", "") for step in steps_of(OWN["slow"]))


def test_the_cluster_suite_runs_each_week_on_two_nodes() -> None:
    cluster = OWN["cluster"]
    assert "schedule" in triggers_of(cluster)
    commands = " ".join(step.get("run", "") for step in steps_of(cluster))
    kind = yaml.safe_load((ROOT / "tests/cluster/kind.yaml").read_text(encoding="utf-8"))
    assert "kind create cluster --config tests/cluster/kind.yaml" in commands
    assert [node["role"] for node in kind["nodes"]].count("worker") >= 2, "one node can be drained while another serves"
    assert f"--name {kind['name']}" in commands
    assert "pytest -m cluster tests/cluster" in commands
    assert "--kubeconfig" in commands
    assert "--load-image" in commands


def test_cluster_tests_are_no_part_of_any_other_run() -> None:
    """They carry their own marker alone: neither `pytest` nor `pytest -m slow` selects them."""
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.cluster" in path.read_text(encoding="utf-8")]
    folder = ROOT / "tests/cluster"
    assert {path.parent for path in marked if path != Path(__file__)} == {folder}
    assert set(folder.glob("test_*.py")) <= set(marked)
    assert not [path for path in folder.glob("test_*.py") if "mark.slow" in path.read_text(encoding="utf-8")]
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert options["addopts"][options["addopts"].index("-m") + 1] == "not slow and not cluster"


def test_every_slow_test_runs_in_one_job_of_the_schedule() -> None:
    suites = OWN["slow"]["jobs"]["slow"]["strategy"]["matrix"]["suite"]
    assert all((ROOT / suite).exists() for suite in suites)
    slow = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.slow" in path.read_text(encoding="utf-8")]
    jobs = {path.relative_to(ROOT).as_posix(): [suite for suite in suites if path.is_relative_to(ROOT / suite)] for path in slow}
    assert {suite for found in jobs.values() for suite in found} == set(suites)
    assert [path for path, found in jobs.items() if len(found) != 1] == []


def test_the_site_is_built_for_every_change_and_published_from_main_when_the_repository_says_so() -> None:
    docs = OWN["docs"]
    assert set(triggers_of(docs)) == {"pull_request", "push"}
    assert triggers_of(docs)["push"] == {"branches": ["main"]}
    build, publish = docs["jobs"]["build"], docs["jobs"]["publish"]
    assert any(step.get("run", "").endswith("mkdocs build --strict") for step in build["steps"])
    assert set(build["permissions"].values()) == {"read"}
    assert publish["needs"] == "build"
    assert publish["if"] == "github.event_name == 'push' && vars.PUBLISH_DOCS == 'true'"
    assert set(publish["permissions"]) == {"pages", "id-token"}


def test_the_newest_versions_are_tried_each_week_and_a_failure_opens_an_issue() -> None:
    """Rendered projects keep tested versions: nothing but this run notices that newer ones fail."""
    newest = OWN["newest"]
    assert "schedule" in triggers_of(newest)
    job, report = newest["jobs"]["newest"], newest["jobs"]["report"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.14"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    order = [
        next(index for index, text in enumerate(commands) if words in text) for words in ('".[test]"', "sampan packages", "bin/pytest")
    ]
    assert order == sorted(order)
    assert not [step for step in job["steps"] if step.get("with", {}).get("enable-cache") is True]
    assert report["needs"] == "newest"
    assert report["if"] == "${{ !cancelled() }}"
    assert report["permissions"]["issues"] == "write"
    assert "report-newest.sh" in report["steps"][-1]["run"]


@pytest.mark.parametrize(("result", "call"), [("success", "issue close 5"), ("failure", "issue edit 5"), ("cancelled", "issue edit 5")])
def test_the_issue_on_newest_versions_is_kept_true(result: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "repository"
    for scripts in (".github/scripts", "template/.github/scripts"):
        shutil.copytree(ROOT / scripts, folder / scripts)
    issue = {
        "number": 5,
        "title": "The newest versions of packages fail the tests",
        "author": {"is_bot": True, "login": "app/github-actions"},
    }
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/sampan")
    for issues, expected in (([issue], call), ([], None if result == "success" else "issue create")):
        log = tmp_path / "log.txt"
        log.unlink(missing_ok=True)
        gh = f'echo "$@" >>{log}; [[ $2 != list ]] || echo {json.dumps(json.dumps(issues))}'
        done = run(folder, "report-newest.sh", result, "https://github.com/acme/sampan/actions/runs/7", tools={"gh": gh}, tmp_path=tmp_path)
        assert done.returncode == 0, done.stderr
        calls = [line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("issue list")]
        assert len(calls) == (expected is not None)
        assert expected is None or calls[0].startswith(expected)


def test_every_row_of_the_matrix_is_a_job_of_its_own() -> None:
    jobs = OWN["ci"]["jobs"]
    assert jobs["project"]["strategy"]["matrix"] == "${{ fromJSON(needs.matrix.outputs.matrix) }}"
    assert "sampan matrix" in steps_of({"jobs": {"matrix": jobs["matrix"]}})[-1]["run"]
    commands = " ".join(step.get("run", "") for step in jobs["project"]["steps"])
    for command in ("render-row.sh", "ruff check", "mypy", "pytest", "check-manifests.sh", "check-migrations.sh"):
        assert command in commands


def test_actions_have_the_same_commits_in_this_repository_and_in_projects(render: Renderer) -> None:
    """Dependabot does not read files that end in .jinja: this fails until its pull request changes those too."""
    pins: dict[str, set[str]] = {}
    for folder in (ROOT, *(render(answers) for answers in VARIANTS.values())):
        for path in (folder / ".github/workflows").glob("*.yml"):
            for action, commit in re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\w{40})", path.read_text(encoding="utf-8")):
                pins.setdefault(action, set()).add(commit)
    assert len(pins) > 10
    assert not {action: commits for action, commits in pins.items() if len(commits) > 1}


def test_updates_of_actions_wait_and_come_in_groups(render: Renderer) -> None:
    for folder in (ROOT, render({})):
        document = yaml.safe_load((folder / ".github/dependabot.yml").read_text(encoding="utf-8"))
        assert document["updates"]
        for update in document["updates"]:
            assert update["cooldown"]["default-days"] >= 7
            assert update["groups"]
    document = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))
    (actions,) = [update for update in document["updates"] if update["package-ecosystem"] == "github-actions"]
    assert actions["directories"] == ["/", "/template/.github/workflows"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository at version 1.4.0, with its changelog."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / ".github/scripts", folder / ".github/scripts")
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.4.0"\n', encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    commit_all(folder, "Start")
    return folder


def notes(repository: Path, tmp_path: Path, version: str = "1.4.0") -> subprocess.CompletedProcess[str]:
    return run(repository, "release-notes.sh", version, tools={}, tmp_path=tmp_path)


def test_the_notes_are_the_changelogs_section(repository: Path, tmp_path: Path) -> None:
    done = notes(repository, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Better canaries.\n\nAn update touches: `deploy/src`."


def test_what_is_not_ready_is_not_released(repository: Path, tmp_path: Path) -> None:
    for version in ("1.3.0", "1.5.0", "v1.4.0", "1.4", "1.4.0; true"):
        assert notes(repository, tmp_path, version).returncode == 1, version
    git("tag", "v1.4.0", cwd=repository)
    assert "there already" in notes(repository, tmp_path).stderr
    git("tag", "-d", "v1.4.0", cwd=repository)
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace("An update touches", "It touches"), encoding="utf-8")
    assert "what an update touches" in notes(repository, tmp_path).stderr


@pytest.mark.parametrize(("ended", "status"), [("success", 0), ("failure", 1), ("nothing", 1)])
def test_only_a_commit_that_passed_is_released(repository: Path, tmp_path: Path, ended: str, status: int) -> None:
    tools = {"gh": f"echo {json.dumps(ended)}"}
    assert run(repository, "require-success.sh", "ci", "0" * 40, tools=tools, tmp_path=tmp_path).returncode == status
