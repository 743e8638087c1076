"""Scripts of the workflows: linted, and run against recorded tools."""

import hashlib
import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness import ROOT, Renderer, required
from tests.workflows.projects import THIS_REPOSITORY, VARIANTS, folder_of
from tests.workflows.tools import lint

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("variant", [*VARIANTS, THIS_REPOSITORY])
def test_shellcheck_finds_nothing_in_any_script(render: Renderer, variant: str) -> None:
    folder = folder_of(render, variant)
    scripts = sorted((folder / ".github").rglob("*.sh")) if variant == THIS_REPOSITORY else sorted(folder.rglob("*.sh"))
    assert scripts
    lint("shellcheck", *scripts, cwd=folder)
    for script in scripts:
        assert os.access(script, os.X_OK), f"{script.name} cannot be run"
        assert "set -euo pipefail" in script.read_text(encoding="utf-8"), script.name


def test_yaml_of_the_project_is_sane(render: Renderer) -> None:
    rules = "{extends: relaxed, rules: {line-length: disable, truthy: disable, commas: disable, indentation: disable}}"
    lint("yamllint", "--strict", "-d", rules, "deploy", ".github", "compose.yaml", cwd=render({}))


def run(project: Path, script: str, *arguments: str, tools: Mapping[str, str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with `tools` (name to bash source) first on PATH; outputs of the step go to output.txt."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name, source in tools.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{source}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output.txt"),
        "GITHUB_REPOSITORY": "acme/shop",
        "LOG": str(tmp_path / "log.txt"),
    }
    command = [str(project / ".github/scripts" / script), *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=60)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_a_missing_lock_file_is_explained(render: Renderer, tmp_path: Path) -> None:
    project = render.workspace(tmp_path / "project", {})
    (project / "uv.lock").unlink(missing_ok=True)
    missing = run(project, "require-lock.sh", tools={}, tmp_path=tmp_path)
    assert (missing.returncode, "uv lock" in missing.stdout) == (1, True)
    (project / "uv.lock").touch()
    assert run(project, "require-lock.sh", tools={}, tmp_path=tmp_path).returncode == 0


GH_RUN = """
echo "$@" >>"$LOG"
case "$*" in
  *activity*) document=$PUSHES ;;
  *"--json jobs"*) document=$JOBS ;;
  *) document=$RUN ;;
esac
while [[ $1 != --jq ]]; do shift; done
jq --raw-output "$2" <<<"$document"
"""


def find(render: Renderer, tmp_path: Path, run_id: str = "42", *, ended: str = "success", checked: str = "success", **of: str) -> int:
    """Return the exit status of find-run.sh for a run that differs from a release by `of`. The branch main was at SHA.

    Each activity of a branch has `after`, the commit at its head after a push or the merge of a pull request:
    https://docs.github.com/rest/repos/repos#list-repository-activities (API version 2022-11-28).
    """
    required("jq")
    jobs = [("Build / Scan (api)", name) for name in ended.split()] + [("Checks / Tests", name) for name in checked.split()]
    documents = {
        "RUN": {"workflowName": "release", "headBranch": "main", "event": "push", "headSha": SHA} | of,
        "JOBS": {"jobs": [{"name": name, "conclusion": conclusion} for name, conclusion in jobs]},
        "PUSHES": [{"after": "f" * 40}, {"after": SHA}],
    }
    recorded = "\n".join(f"{name}={shlex.quote(json.dumps(document))}" for name, document in documents.items())
    tools = {"gh": f"{recorded}\n{GH_RUN}"}
    return run(render({}), "find-run.sh", "release", run_id, "Build / Scan", "Checks / ", tools=tools, tmp_path=tmp_path).returncode


def test_a_run_of_main_gives_its_commit(render: Renderer, tmp_path: Path) -> None:
    assert find(render, tmp_path) == 0
    assert lines(tmp_path / "output.txt") == [f"sha={SHA}"]
    assert lines(tmp_path / "log.txt")[0].startswith("run view 42 --repo acme/shop")
    assert "repos/acme/shop/activity?ref=refs/heads/main&" in lines(tmp_path / "log.txt")[1]
    assert 'startswith("Build / Scan")' in lines(tmp_path / "log.txt")[2]


@pytest.mark.parametrize(
    "of",
    [
        {"headBranch": "feature"},
        {"workflowName": "ci"},
        {"event": "pull_request"},
        # A tag named main on a commit without review: GitHub reports the tag's name as the branch.
        {"headSha": "1" * 40},
        # A workflow on a branch, whose name imitates the fields of a run on main.
        {"workflowName": f"release main push {SHA}", "headBranch": "feature"},
        {"workflowName": f"release main push {SHA}\nx", "headBranch": "feature"},
        {"workflowName": f"release\tmain\tpush\t{SHA}\nx", "headBranch": "feature"},
    ],
    ids=["branch", "workflow", "event", "tag", "words", "lines", "tabs"],
)
def test_any_other_run_is_refused(render: Renderer, tmp_path: Path, of: dict[str, str]) -> None:
    assert find(render, tmp_path, **of) == 1
    assert not (tmp_path / "output.txt").exists()


@pytest.mark.parametrize("ended", ["failure", "failure success", "cancelled", ""])
def test_a_run_whose_check_did_not_succeed_is_refused(render: Renderer, tmp_path: Path, ended: str) -> None:
    assert find(render, tmp_path, ended=ended) == 1
    assert find(render, tmp_path, checked=ended) == 1
    assert not (tmp_path / "output.txt").exists()


def test_what_is_no_number_is_refused_before_anybody_is_asked(render: Renderer, tmp_path: Path) -> None:
    assert find(render, tmp_path, "42; true") == 1
    assert not (tmp_path / "log.txt").exists()


@pytest.mark.parametrize(("reviewers", "status"), [("2", 0), ("0", 1)])
def test_an_environment_without_reviewers_is_refused(render: Renderer, tmp_path: Path, reviewers: str, status: int) -> None:
    tools = {"gh": f'echo "$@" >>"$LOG"; echo {reviewers}'}
    done = run(render({}), "require-reviewers.sh", "production", tools=tools, tmp_path=tmp_path)
    assert (done.returncode, "required reviewers" in done.stdout) == (status, bool(status))
    assert lines(tmp_path / "log.txt")[0].startswith("api repos/acme/shop/environments/production ")


def digest_of(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


AWS = """
if [[ $1 == ssm ]]; then echo "$@" >>"$LOG"; echo '%s'; else echo password; fi
"""
SKOPEO = """
echo "$@" >>"$LOG"
case "$*" in
  *"--raw docker://"*) [[ $* == *"$PRESENT"* ]] ;;
  login*) cat >/dev/null; [[ $(cat "$REGISTRY_AUTH_FILE") == "{}" ]] ;;
  inspect*) printf '%s' "$(basename "${@: -1}" .tar)" ;;
esac
"""


@pytest.mark.parametrize(("present", "copied"), [("nothing", ["api", "worker", "migrate"]), ("/api@", ["worker", "migrate"]), ("@", [])])
def test_images_are_pushed_where_the_contract_says_and_only_once(
    render: Renderer, tmp_path: Path, present: str, copied: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    required("jq")
    registry = "1.dkr.ecr.ap-southeast-1.amazonaws.com/shop/dev"
    contract = {"region": "ap-southeast-1"} | {f"{name}_repository_url": f"{registry}/{name}" for name in ("api", "worker", "migrate")}
    monkeypatch.setenv("PRESENT", present)
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    tools = {"aws": AWS % json.dumps(contract), "skopeo": SKOPEO}
    done = run(render({"service": "shop"}), "push-images.sh", "images", "dev", SHA, tools=tools, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    log = lines(tmp_path / "log.txt")
    assert "--name /service/shop/dev/contract" in log[0]
    assert [line for line in log if line.startswith("copy")] == [
        f"copy --all --preserve-digests oci-archive:images/{name}.tar docker://{registry}/{name}:deployed-{SHA}-{digest_of(name)[7:19]}"
        for name in copied
    ]
    assert lines(tmp_path / "output.txt") == [f"{name}={digest_of(name)}" for name in ("api", "worker", "migrate")]
    # No login remains after the script, and skopeo's default place for it is not writable on a runner.
    assert list((tmp_path / "temporary").iterdir()) == []


def test_other_digests_than_the_builds_are_not_pushed(render: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    required("jq")
    project, tools = render({"service": "shop"}), {"skopeo": SKOPEO}
    assert run(project, "image-digests.sh", "images", tools=tools, tmp_path=tmp_path).returncode == 0
    (output,) = lines(tmp_path / "output.txt")
    digests = json.loads(output.removeprefix("digests="))
    assert digests == {name: digest_of(name) for name in ("api", "worker", "migrate")}
    contract = {"region": "ap-southeast-1"} | {f"{name}_repository_url": f"registry.example/{name}" for name in digests}
    tools["aws"] = AWS % json.dumps(contract)
    monkeypatch.setenv("PRESENT", "nothing")
    for given, status in ((digests, 0), (digests | {"worker": digest_of("another")}, 1)):
        monkeypatch.setenv("DIGESTS", json.dumps(given))
        assert run(project, "push-images.sh", "images", "dev", SHA, tools=tools, tmp_path=tmp_path).returncode == status


def test_a_contract_without_a_repository_stops_the_push(render: Renderer, tmp_path: Path) -> None:
    required("jq")
    tools = {"aws": AWS % json.dumps({"region": "ap-southeast-1"}), "skopeo": SKOPEO}
    done = run(render({}), "push-images.sh", "images", "dev", SHA, tools=tools, tmp_path=tmp_path)
    assert done.returncode != 0
    assert not [line for line in lines(tmp_path / "log.txt") if line.startswith("copy")]


def test_every_overlay_is_checked_and_a_wrong_one_fails(render: Renderer, tmp_path: Path) -> None:
    validate = required("kubernetes-validate")
    required("kubectl")
    project = render.workspace(tmp_path / "project", {})
    tools = {"uvx": f'shift; exec {validate} "$@"'}
    done = run(project, "check-manifests.sh", tools=tools, tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"/{name}.yaml passed" in done.stdout for name in ("dev", "production", "access"))
    api = project / "deploy/base/api.yaml"
    api.write_text(api.read_text(encoding="utf-8").replace("minReadySeconds", "minReadySecond"), encoding="utf-8")
    assert run(project, "check-manifests.sh", tools=tools, tmp_path=tmp_path).returncode != 0


def test_the_matrix_renders_a_row_as_a_project_in_git() -> None:
    text = (ROOT / ".github/scripts/render-row.sh").read_text(encoding="utf-8")
    assert "uv run copier copy --defaults" in text
    assert "--trust" not in text
