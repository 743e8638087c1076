"""`sampan update` and `sampan preview`: what a team owns survives, and nothing is lost without a word."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Sampan
from tests.harness import commit_all, files_of, git


def edit(folder: Path, name: str, change: Callable[[str], str]) -> None:
    (folder / name).write_text(change((folder / name).read_text(encoding="utf-8")), encoding="utf-8")


def state(folder: Path) -> tuple[dict[str, bytes], str, str]:
    """Files, status and branch of a project: what a command that writes nothing leaves alone."""
    return files_of(folder), git("status", "--porcelain", cwd=folder), git("rev-parse", "HEAD", cwd=folder)


def test_an_untouched_project_equals_a_fresh_one_and_a_second_update_is_a_no_op(
    sampan: Sampan, releases: Path, project: Path, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    assert sampan("new", fresh, "--defaults", "--template", releases, "-d", "project_name=Shop").code == 0
    outcome = sampan("update", project)
    assert outcome.code == 0
    seeded = {"README.md": b"# Shop\n", "src/app/products/routes.py": b"the sample\n"}
    assert files_of(project) == {**files_of(fresh), **seeded}
    assert "> src/app/kit/cache.py -> src/app/kit/caching.py" in outcome.err
    git("commit", "-q", "-m", "Update", cwd=project)
    outcome = sampan("update", project)
    assert (outcome.code, outcome.err) == (0, "Template v1.1.0\nNothing to change.\n")


def test_edits_survive_also_in_a_file_that_moved(sampan: Sampan, project: Path) -> None:
    edit(project, "src/app/kit/cache.py", lambda text: text.replace("cache 3\n", "cache of ours\n"))
    edit(project, "src/app/kit/clock.py", lambda text: text.replace("clock 28\n", "clock of ours\n"))
    edit(project, "README.md", lambda text: f"{text}ours\n")
    edit(project, "docs/notes.md", lambda text: text.replace("note 3\n", "note of ours\n"))
    (project / "src/app/main.py").unlink()
    (project / "src/app/kit/ours.py").write_text("ours\n", encoding="utf-8")
    commit_all(project, "Ours")
    preview = sampan("preview", project)
    before = state(project)
    assert preview.code == 0
    assert "> src/app/kit/cache.py -> src/app/kit/caching.py  (with your edits)" in preview.out
    assert "~ src/app/kit/clock.py  (with your edits)" in preview.out
    assert state(project) == before
    assert sampan("update", project).code == 0
    files = files_of(project)
    assert "src/app/kit/cache.py" not in files
    assert b"cache of ours\n" in files["src/app/kit/caching.py"]
    assert b"cache fifteen\n" in files["src/app/kit/caching.py"]
    assert b"clock of ours\n" in files["src/app/kit/clock.py"]
    assert b"clock fifteen\n" in files["src/app/kit/clock.py"]
    assert files["README.md"] == b"# Shop\nours\n"
    assert b"note of ours\n" in files["docs/notes.md"]
    assert b"note fifteen\n" in files["docs/notes.md"]
    assert "src/app/main.py" not in files
    assert files["src/app/kit/ours.py"] == b"ours\n"
    git("reset", "-q", "--hard", cwd=project)
    assert state(project) == before


def test_a_conflict_writes_nothing_unless_it_is_asked_for(sampan: Sampan, project: Path) -> None:
    edit(project, "src/app/kit/clock.py", lambda text: text.replace("clock 15\n", "clock of ours\n"))
    edit(project, "src/app/kit/old.py", lambda text: f"ours\n{text}")
    git("mv", "src/app/kit/cache.py", "src/app/kit/store.py", cwd=project)
    (project / "src/app/kit/new.py").write_text("ours\n", encoding="utf-8")
    commit_all(project, "Ours")
    before = state(project)
    outcome = sampan("update", project)
    assert outcome.code == 1
    assert "! src/app/kit/new.py: you and the template added it, with different contents" in outcome.err
    assert "! src/app/kit/store.py: you and the template moved it, to different places" in outcome.err
    assert "! src/app/kit/clock.py: you and the template changed the same lines" in outcome.err
    assert "! src/app/kit/old.py: the template removes it, and you edited it" in outcome.err
    assert state(project) == before
    assert sampan("update", project, "--keep-conflicts").code == 1
    clock = (project / "src/app/kit/clock.py").read_text(encoding="utf-8")
    assert "<<<<<<< before updating\nclock of ours\n=======\nclock fifteen\n>>>>>>> after updating\n" in clock
    assert (project / "src/app/kit/old.py").read_text(encoding="utf-8").startswith("ours\n")
    unmerged = git("diff", "--name-only", "--diff-filter=U", cwd=project).split()
    assert unmerged == [f"src/app/kit/{name}.py" for name in ("caching", "clock", "new", "old", "store")]
    git("reset", "-q", "--hard", cwd=project)
    assert state(project) == before


@pytest.mark.slow
def test_what_aws_holds_is_not_given_up_without_a_word(sampan: Sampan, project: Path) -> None:
    assert sampan("update", project, "--to", "v1.0.0", "-d", "waf=true", "-d", "db_read_replica=true").code == 0
    git("commit", "-q", "-m", "Options", cwd=project)
    before = state(project)
    data = ("-d", "service=orders", "-d", "environments=[production]", "-d", "waf=false", "-d", "db_read_replica=false")
    outcome = sampan("update", project, *data)
    assert outcome.code == 2
    for loss in ("service=shop", "environments=[dev]", "waf", "db_read_replica"):
        assert f"  {loss}\n" in outcome.err
    assert state(project) == before
    assert sampan("update", project, *data, "--yes").code == 0
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["service"] == "orders"
    assert "destroyed" not in answers
    kept = {path.name for path in (project / "infra/environments").glob("dev.*")}
    assert kept == {f"dev.{root}.{end}" for root in ("platform", "service") for end in ("local.tfvars", "s3.tfbackend")}


@pytest.mark.slow
def test_a_preview_shows_where_a_changed_answer_arrives(sampan: Sampan, project: Path) -> None:
    arguments = (project, "--to", "v1.0.0", "-d", "db_storage_gb=500")
    document = json.loads(sampan("preview", *arguments, "--json").out)
    assert document["answers"] == [{"question": "db_storage_gb", "before": 20, "after": 500}]
    assert {change["path"] for change in document["changes"]} == {".copier-answers.yml", "infra/environments/production.service.tfvars"}
    before, (low, high) = document["costs"]["before"], document["costs"]["after"]
    assert before[0] < low
    assert f" becomes ${low:,.0f} to ${high:,.0f}\n" in sampan("preview", *arguments).out


@pytest.mark.slow
def test_a_project_in_a_folder_of_a_repository_with_another_answers_file(sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    whole, place = tmp_path / "whole", tmp_path / "whole/services/käse shop"
    assert sampan("new", place, "--defaults", "--template", releases, "--ref", "v1.0.0").code == 0
    (place / ".copier-answers.yml").rename(place / "answers.yml")
    (whole / "other.txt").write_text("other\n", encoding="utf-8")
    commit_all(whole, "Start")
    edit(place, "src/app/kit/cache.py", lambda text: f"ours\n{text}")
    commit_all(whole, "Ours")
    assert sampan("update", place, "-a", "answers.yml").code == 0
    assert (place / "src/app/kit/caching.py").read_text(encoding="utf-8").startswith("ours\n")
    assert "v1.1.0" in (place / "answers.yml").read_text(encoding="utf-8")
    assert not (place / ".copier-answers.yml").exists()
    assert (whole / "other.txt").is_file()


def test_mistakes_are_one_line_and_change_nothing(sampan: Sampan, project: Path, tmp_path: Path) -> None:
    plain = shutil.copytree(project, tmp_path / "plain", ignore=shutil.ignore_patterns(".git"))
    moved = shutil.copytree(project, tmp_path / "moved")
    edit(moved, ".copier-answers.yml", lambda text: text.replace("_src_path: /", "_src_path: /none/"))
    commit_all(moved, "Moved")
    dirty = shutil.copytree(project, tmp_path / "dirty")
    (dirty / "new.txt").write_text("new\n", encoding="utf-8")
    sampan("update", project)
    git("commit", "-q", "-m", "Update", cwd=project)
    for arguments, words in (
        ((tmp_path,), "is not a project: there is no .copier-answers.yml."),
        ((tmp_path / "none",), "is not a folder."),
        ((plain,), "has no commit in git"),
        ((moved,), "which is not on this machine: add --template URL"),
        ((dirty,), "has uncommitted changes: commit or stash them first."),
        ((project, "--to", "v1.0.0"), "v1.0.0 is older than the project's v1.1.0"),
        ((project, "--to", "v3"), "has no version v3."),
        ((project, "-d", "spott=no"), "Unknown question 'spott'. Did you mean 'spot'?"),
        ((project, "-d", "az_count=5"), "az_count: 5 is not in [2, 3]"),
    ):
        outcome = sampan("update", *arguments)
        assert outcome.code == 2, arguments
        assert words in outcome.err.splitlines()[0]
    assert git("status", "--porcelain", cwd=project) == ""
