"""`sampan render`, `diff` and `matrix`: answers files and the projects that they render."""

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sampan import matrix
from sampan.commands.matrix import command
from tests.cli.conftest import Sampan
from tests.harness import ROOT, commit_all, copy_questionnaire, files_of, git


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Two answers files that differ in one option."""
    (tmp_path / "a.yml").write_text("project_name: Shop\nspot: false\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text("project_name: Shop\nspot: false\ndb_read_replica: true\n", encoding="utf-8")
    return tmp_path


def test_a_rendering_is_plain_copiers(sampan: Sampan, releases: Path, answers: Path) -> None:
    outcome = sampan("render", answers / "b.yml", answers / "ours", "--template", releases, "--ref", "v1.0.0")
    assert outcome.code == 0, outcome.err
    assert f"files in {answers}/ours, from the template {releases}" in outcome.err
    command = [
        sys.executable,
        "-m",
        "copier",
        "copy",
        "--defaults",
        "--quiet",
        "--vcs-ref",
        "v1.0.0",
        "--data-file",
        str(answers / "b.yml"),
    ]
    subprocess.run([*command, str(releases), str(answers / "plain")], check=True, capture_output=True)
    assert files_of(answers / "ours") == files_of(answers / "plain")


def test_a_rendering_never_writes_into_a_folder_in_use(sampan: Sampan, releases: Path, answers: Path) -> None:
    outcome = sampan("render", answers / "a.yml", answers, "--template", releases)
    assert (outcome.code, outcome.err) == (2, f"Error: {answers} is not empty: name a folder that does not exist.\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("spto: true", "Unknown question 'spto'. Did you mean 'spot'?"), ("service: kube-x", "service: choose service: Kubernetes")],
)
def test_wrong_answers_are_refused_with_the_file_and_nothing_is_written(
    text: str, reason: str, sampan: Sampan, releases: Path, answers: Path
) -> None:
    (answers / "wrong.yml").write_text(text, encoding="utf-8")
    outcome = sampan("render", answers / "wrong.yml", answers / "none", "--template", releases)
    assert outcome.code == 2
    assert outcome.err.startswith(f"Error: {answers}/wrong.yml: {reason}")
    assert not (answers / "none").exists()


def test_a_difference_names_answers_and_files_and_exits_with_1(sampan: Sampan, releases: Path, answers: Path) -> None:
    outcome = sampan("diff", answers / "a.yml", answers / "b.yml", "--template", releases)
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert "  db_read_replica: false becomes true" in lines
    assert "~ .copier-answers.yml" in lines
    assert "+ infra/environments/production.service.db_read_replica.tfvars" in lines
    assert lines[-1].startswith("Files: ")
    outcome = sampan("diff", answers / "a.yml", answers / "a.yml", "--template", releases)
    assert (outcome.code, outcome.out) == (0, "The projects are equal.\n")


def test_a_difference_as_a_patch_and_for_programs(sampan: Sampan, releases: Path, answers: Path) -> None:
    files = (answers / "b.yml", answers / "a.yml", "--template", releases)
    patch = sampan("diff", "--patch", *files)
    assert patch.code == 1
    assert "-db_read_replica: true\n+db_read_replica: false\n" in patch.out
    shutil.copytree(_rendered(sampan, answers, "b", releases), answers / "patched")
    subprocess.run(["git", "apply", "-p1"], input=patch.out, text=True, check=True, cwd=answers / "patched")
    assert files_of(answers / "patched") == files_of(_rendered(sampan, answers, "a", releases))
    document = json.loads(sampan("diff", "--json", *files).out)
    assert {"question": "db_read_replica", "before": True, "after": False} in document["answers"]
    assert {"path": "infra/environments/production.service.db_read_replica.tfvars", "kind": "removed", "source": ""} in document["changes"]


def _rendered(sampan: Sampan, answers: Path, name: str, releases: Path) -> Path:
    assert sampan("render", answers / f"{name}.yml", answers / name, "--template", releases).code == 0
    return answers / name


def test_a_file_that_moves_with_an_answer_is_recognised(sampan: Sampan, tmp_path: Path) -> None:
    folder = copy_questionnaire(tmp_path / "template")
    (folder / "template/{= service =}.txt").write_text("".join(f"line {number}\n" for number in range(30)), encoding="utf-8")
    commit_all(folder, "Template")
    for name in ("orders", "billing"):
        (tmp_path / f"{name}.yml").write_text(f"service: {name}\n", encoding="utf-8")
    outcome = sampan("diff", tmp_path / "orders.yml", tmp_path / "billing.yml", "--template", folder)
    assert "> orders.txt -> billing.txt" in outcome.out.splitlines()


def test_the_shards_hold_each_row_once(sampan: Sampan, tmp_path: Path) -> None:
    found = []
    for number in range(1, 9):
        outcome = sampan("matrix", "--output", tmp_path / "rows", "--shard", f"{number}/8")
        found += json.loads(outcome.out)["include"]
    every = matrix.computed()
    assert sorted(entry["id"] for entry in found) == sorted(every)
    for entry in found:
        assert entry["answers"] == every[entry["id"]]
        assert yaml.safe_load(Path(entry["answers_file"]).read_text(encoding="utf-8")) == entry["answers"]


@pytest.mark.parametrize("shard", ["0/8", "9/8", "2", "a/b", "1/0"])
def test_a_shard_that_cannot_be_is_refused(shard: str, sampan: Sampan, tmp_path: Path) -> None:
    outcome = sampan("matrix", "--output", tmp_path / "rows", "--shard", shard)
    assert outcome.code == 2
    assert outcome.err == f"Error: --shard {shard}: write the part and the number of parts, such as 2/8.\n"
    assert not (tmp_path / "rows").exists()


def test_a_fork_has_rows_of_its_own(sampan: Sampan, tmp_path: Path) -> None:
    rows = tmp_path / "rows.yml"
    rows.write_text("small: {profile: sandbox}\nours:\n  profile: production\n  domain: api.example.com\n", encoding="utf-8")
    entries = json.loads(sampan("matrix", "--output", tmp_path / "rows", "--rows", rows).out)["include"]
    assert [(entry["id"], entry["answers"]) for entry in entries] == [
        ("small", {"profile": "sandbox"}),
        ("ours", {"profile": "production", "domain": "api.example.com"}),
    ]
    rows.write_text("small: {profle: sandbox}\n", encoding="utf-8")
    assert sampan("matrix", "--rows", rows).err == f"Error: {rows}: small: Unknown question 'profle'. Did you mean 'profile'?\n"
    rows.write_text("Small: 5\n", encoding="utf-8")
    assert sampan("matrix", "--rows", rows).code == 2


def test_git_ignores_the_answers_files_of_the_matrix() -> None:
    default = inspect.signature(command).parameters["output"].default
    assert git("check-ignore", f"{default}/1.yml", cwd=ROOT).strip() == f"{default}/1.yml"


def test_a_job_renders_its_row_without_computing_the_matrix(tmp_path: Path) -> None:
    """The script of ci.yml, with the answers of an entry as GitHub writes them."""
    folder = copy_questionnaire(tmp_path / "template")
    commit_all(folder, "Template")
    tool = tmp_path / "bin/uv"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\n[ "$1 $2" = "run copier" ] && shift 2 && exec {sys.executable} -m copier "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    row = next(iter(matrix.computed().values()))
    subprocess.run(
        [ROOT / ".github/scripts/render-row.sh", tmp_path / "project"],
        cwd=folder,
        env={"PATH": f"{tool.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "ANSWERS": json.dumps(row, indent=2)},
        check=True,
        capture_output=True,
    )
    stored = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text(encoding="utf-8"))
    applied = {name: answer for name, answer in row.items() if name in stored}
    assert {name: stored[name] for name in applied} == applied
    assert len(applied) > 20
    assert (tmp_path / "project/.git").is_dir()
