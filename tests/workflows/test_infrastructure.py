"""Plans, applies and the nightly comparison: the scripts, against recorded tools."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.harness import Renderer, required
from tests.workflows.test_scripts import lines, run

TERRAFORM = """#!/usr/bin/env bash
# Instead of `ops terraform`: answers as the file ROOT.answer beside the log says, with a saved plan for changes.
echo "$@" >>"$LOG"
shift # terraform
environment=$1 root=$2 command=$3
answer=$(cat "$(dirname "$LOG")/$root.answer" 2>/dev/null || echo none)
if [[ $command == apply ]]; then
  [[ -f infra/$root/${*: -1} && -f infra/$root/.terraform.lock.hcl ]] || exit 3
  [[ $answer != stale ]]
  exit
fi
for argument in "$@"; do [[ $argument != -out=* ]] || out=${argument#-out=}; done
echo "Plan of $root in $environment"
echo "providers of $root" >"infra/$root/.terraform.lock.hcl"
case $answer in
  none) touch "$out" ;;
  changes) echo plan >"$out"; exit 2 ;;
  broken) echo "no credentials" >&2; exit 2 ;;
esac
"""


@pytest.fixture
def project(render: Renderer, tmp_path: Path) -> Path:
    """A project whose Terraform is recorded."""
    workspace = render.workspace(tmp_path / "project", {})
    ops = workspace / ".venv/bin/ops"
    ops.parent.mkdir(parents=True)
    ops.write_text(TERRAFORM, encoding="utf-8")
    ops.chmod(0o755)
    return workspace


def plan(project: Path, tmp_path: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    for root, answer in answers.items():
        (tmp_path / f"{root}.answer").write_text(answer, encoding="utf-8")
    return run(project, "plan.sh", "dev", str(tmp_path / "plans/plan-dev"), tools={}, tmp_path=tmp_path)


def written(tmp_path: Path) -> dict[str, str]:
    """Status of each root, and the plans that are kept."""
    folder = tmp_path / "plans/plan-dev"
    return {path.name: path.read_text(encoding="utf-8").strip() for path in sorted(folder.iterdir()) if path.suffix != ".txt"}


def test_both_roots_are_planned_without_a_lock_and_only_changes_are_kept(project: Path, tmp_path: Path) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    assert written(tmp_path) == {
        "platform.status": "none",
        "service.lock.hcl": "providers of service",
        "service.status": "changes",
        "service.tfplan": "plan",
    }
    assert all("-lock=false" in line and "-detailed-exitcode" in line for line in lines(tmp_path / "log.txt"))


def test_the_service_waits_for_a_platform_that_changes(project: Path, tmp_path: Path) -> None:
    assert plan(project, tmp_path, platform="changes", service="changes").returncode == 0
    assert written(tmp_path) == {
        "platform.lock.hcl": "providers of platform",
        "platform.status": "changes",
        "platform.tfplan": "plan",
        "service.status": "waits",
    }


def test_a_plan_that_fails_fails_the_job_and_is_told_from_changes(project: Path, tmp_path: Path) -> None:
    """Terraform says 2 for changes, and the script before it says 2 for a mistake."""
    assert plan(project, tmp_path, platform="broken").returncode == 1
    assert written(tmp_path)["platform.status"] == "failed"
    assert "no credentials" in (tmp_path / "plans/plan-dev/platform.txt").read_text(encoding="utf-8")


def test_what_is_applied_is_the_saved_plan(project: Path, tmp_path: Path) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    done = run(project, "apply.sh", "dev", str(tmp_path / "plans/plan-dev"), tools={}, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert lines(tmp_path / "log.txt")[2:] == ["terraform dev service apply -input=false saved.tfplan"]
    assert not (project / "infra/service/saved.tfplan").exists()


def test_a_plan_is_applied_with_the_providers_that_it_was_made_with(project: Path, tmp_path: Path) -> None:
    """Terraform refuses a plan when a newer provider has come out since, unless the project keeps its lock file."""
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    lock = project / "infra/service/.terraform.lock.hcl"
    lock.unlink()
    assert run(project, "apply.sh", "dev", str(tmp_path / "plans/plan-dev"), tools={}, tmp_path=tmp_path).returncode == 0
    assert lock.read_text(encoding="utf-8") == "providers of service\n"


def test_a_plan_that_is_stale_or_failed_is_not_applied(project: Path, tmp_path: Path) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    (tmp_path / "service.answer").write_text("stale", encoding="utf-8")
    assert run(project, "apply.sh", "dev", str(tmp_path / "plans/plan-dev"), tools={}, tmp_path=tmp_path).returncode != 0
    (tmp_path / "plans/plan-dev/service.status").write_text("failed\n", encoding="utf-8")
    assert run(project, "apply.sh", "dev", str(tmp_path / "plans/plan-dev"), tools={}, tmp_path=tmp_path).returncode == 1


GH = """
echo "$@" >>"$LOG"
case "$1 $2" in
  "run download") [[ -d $PLANS ]] || exit 1; for last in "$@"; do :; done; cp -r "$PLANS"/. "$last" ;;
  "api repos/acme/shop/actions/runs/"*) { echo images; ls "$PLANS" 2>/dev/null; } |
      jq --null-input --raw-input '{artifacts: [inputs | {name: .}]}' | jq "${@: -1}" ;;
  "issue list") echo "$ISSUES" ;;
  "issue create" | "issue edit") for last in "$@"; do :; done; cp "$last" "$BODY" ;;
  "api "*) if [[ $* == *--method* ]]; then
      for argument in "$@"; do [[ $argument != body=@* ]] || cp "${argument#body=@}" "$BODY"; done
    else jq --raw-output "${@: -1}" <<<"$COMMENTS"; fi ;;
esac
"""


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GitHub without issues and comments; the body that is written last."""
    required("jq")
    for name, value in {"PLANS": str(tmp_path / "plans"), "ISSUES": "[]", "COMMENTS": "[]", "BODY": str(tmp_path / "body.md")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    return tmp_path / "body.md"


DRIFT = {"number": 5, "title": "The infrastructure differs from infra/", "author": {"is_bot": True, "login": "app/github-actions"}}


def test_drift_opens_one_issue_and_then_changes_it(project: Path, tmp_path: Path, github: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    (tmp_path / "log.txt").unlink()
    assert run(project, "report-drift.sh", "7", "success", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert [line.split()[:2] for line in lines(tmp_path / "log.txt")][1:] == [["run", "download"], ["issue", "list"], ["issue", "create"]]
    body = github.read_text(encoding="utf-8")
    assert "### dev, service: **changes**" in body
    assert "Plan of service in dev" in body
    assert "/acme/shop/actions/runs/7" in body
    # An issue with a similar title, or an issue that a person wrote, does not belong to the workflow.
    bot = {"is_bot": True, "login": "app/github-actions"}
    issues = [
        {"number": 3, "title": "The infrastructure differs from infra/ again", "author": bot},
        {"number": 4, "title": "The infrastructure differs from infra/", "author": {"is_bot": False, "login": "mallory"}},
        {"number": 5, "title": "The infrastructure differs from infra/", "author": bot},
    ]
    monkeypatch.setenv("ISSUES", json.dumps(issues))
    (tmp_path / "log.txt").unlink()
    assert run(project, "report-drift.sh", "8", "success", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert lines(tmp_path / "log.txt")[-1].startswith("issue edit 5 ")


def test_a_plan_that_fails_at_night_is_told_too(project: Path, tmp_path: Path, github: Path) -> None:
    assert plan(project, tmp_path, platform="broken").returncode == 1
    assert run(project, "report-drift.sh", "7", "failure", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    body = github.read_text(encoding="utf-8")
    assert "**the plan failed**" in body
    assert "Not every environment could be planned" in body


def test_the_issue_is_closed_once_nothing_differs(project: Path, tmp_path: Path, github: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(project, tmp_path, platform="none", service="none").returncode == 0
    assert run(project, "report-drift.sh", "7", "success", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert not [line for line in lines(tmp_path / "log.txt") if line.startswith(("issue create", "issue close"))]
    monkeypatch.setenv("ISSUES", json.dumps([DRIFT]))
    assert run(project, "report-drift.sh", "7", "success", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert lines(tmp_path / "log.txt")[-1].startswith("issue close 5 ")
    assert not github.exists()


@pytest.mark.parametrize("result", ["failure", "cancelled"])
def test_an_environment_that_left_no_plan_closes_nothing(
    project: Path, tmp_path: Path, github: Path, monkeypatch: pytest.MonkeyPatch, result: str
) -> None:
    """A role that cannot be taken ends a plan before it writes anything."""
    assert plan(project, tmp_path, platform="none", service="none").returncode == 0
    monkeypatch.setenv("ISSUES", json.dumps([DRIFT]))
    done = run(project, "report-drift.sh", "7", result, tools={"gh": GH}, tmp_path=tmp_path)
    assert (done.returncode, "::notice" in done.stdout) == (0, True)
    assert not [line for line in lines(tmp_path / "log.txt") if line.startswith("issue ")]
    assert not github.exists()


def test_plans_that_cannot_be_downloaded_are_not_taken_for_none(project: Path, tmp_path: Path, github: Path) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    broken = GH.replace('"run download") ', '"run download") exit 1 ')
    for script, argument in (("report-drift.sh", "success"), ("comment-plans.sh", "12")):
        assert run(project, script, "7", argument, tools={"gh": broken}, tmp_path=tmp_path).returncode != 0
    assert not github.exists()


def test_without_a_plan_nothing_is_reported(project: Path, tmp_path: Path, github: Path) -> None:
    for script, arguments in (("report-drift.sh", ["7", "success"]), ("comment-plans.sh", ["7", "12"])):
        done = run(project, script, *arguments, tools={"gh": GH}, tmp_path=tmp_path)
        assert (done.returncode, "::notice" in done.stdout) == (0, True)
    assert not github.exists()


def test_a_pull_request_has_one_comment_that_changes(project: Path, tmp_path: Path, github: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(project, tmp_path, platform="none", service="changes").returncode == 0
    assert run(project, "comment-plans.sh", "7", "12", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert "--method POST repos/acme/shop/issues/12/comments" in lines(tmp_path / "log.txt")[-1]
    assert github.read_text(encoding="utf-8").startswith("<!-- infrastructure plans -->\n")
    # A comment with the mark by somebody else is not the workflow's, because its author could change the text.
    mark = "<!-- infrastructure plans -->"
    comments = [
        {"id": 97, "user": {"login": "mallory"}, "body": mark},
        {"id": 98, "user": {"login": "github-actions[bot]"}, "body": "Another word."},
        {"id": 99, "user": {"login": "github-actions[bot]"}, "body": f"{mark}\n## Infrastructure"},
    ]
    monkeypatch.setenv("COMMENTS", json.dumps(comments))
    assert run(project, "comment-plans.sh", "7", "12", tools={"gh": GH}, tmp_path=tmp_path).returncode == 0
    assert "--method PATCH repos/acme/shop/issues/comments/99" in lines(tmp_path / "log.txt")[-1]


def test_the_longest_plans_fit_into_a_comment_and_cannot_end_their_block(project: Path, tmp_path: Path) -> None:
    for environment in ("dev", "staging", "production"):
        folder = tmp_path / f"plans/plan-{environment}"
        folder.mkdir(parents=True)
        for root in ("platform", "service"):
            (folder / f"{root}.status").write_text("changes\n", encoding="utf-8")
            (folder / f"{root}.txt").write_text("~~~~~~ é\n" * 20_000 + "Plan: 3 to add.", encoding="utf-8")
    done = run(project, "describe-plans.sh", str(tmp_path / "plans"), tools={}, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) < 65_536
    assert done.stdout.count("Plan: 3 to add.") == 6
    assert done.stdout.count("~~~~~~") == 12


def test_git_ignores_a_saved_plan(render: Renderer) -> None:
    project = render({})
    assert "*.tfplan" in (project / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert os.access(project / ".github/scripts/apply.sh", os.X_OK)
