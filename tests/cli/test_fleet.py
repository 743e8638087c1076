"""`sampan fleet`: many projects, one table, and no project's failure stops the others."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from plumbum import local

from tests.cli.conftest import Sampan
from tests.cli.test_documentation import SECTIONS
from tests.cli.test_update import edit, state
from tests.harness import commit_all, git


@pytest.fixture
def projects(first: Path, tmp_path: Path) -> Path:
    """A list of six: one as it was rendered, edited, in conflict, behind a URL, not a project, and missing."""
    for name in ("untouched", "edited", "conflict"):
        shutil.copytree(first, tmp_path / name)
    edit(tmp_path / "edited", "src/app/kit/cache.py", lambda text: text.replace("cache 3\n", "cache of ours\n"))
    edit(tmp_path / "edited", "infra/environments/production.service.tfvars", lambda text: text.replace("= 20", "= 50"))
    commit_all(tmp_path / "edited", "Ours")
    edit(tmp_path / "conflict", "src/app/kit/clock.py", lambda text: text.replace("clock 15\n", "clock of ours\n"))
    commit_all(tmp_path / "conflict", "Ours")
    git("clone", "-q", "--bare", str(first), str(tmp_path / "acme/remote.git"), cwd=tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "fleet.txt").write_text(
        f"# our projects\nuntouched\nedited\n\nconflict\nfile://{tmp_path}/acme/remote.git\nother\nmissing\n", encoding="utf-8"
    )
    return tmp_path


def test_the_status_of_each_project_is_a_line_of_a_table(sampan: Sampan, projects: Path) -> None:
    outcome = sampan("fleet", "status", projects / "fleet.txt")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    header, *rows = [line.split() for line in lines[:7]]
    assert max(map(len, lines[:7])) <= 80
    assert header == ["Project", "Version", "Behind", "Drift", "Edited", "Other"]
    local = "1"  # the template of the tests is a path of this machine
    assert rows == [
        ["untouched", "v1.0.0", "1", "release", "0", "0", local],
        ["edited", "v1.0.0", "1", "release", "1", "1", local],
        ["conflict", "v1.0.0", "1", "release", "0", "1", local],
        ["acme/remote", "v1.0.0", "1", "release", "0", "0", local],
        ["other", "?"],
        ["missing", "?"],
    ]
    assert lines[7:] == [
        f"other: {projects}/other is not a project: there is no .copier-answers.yml.",
        f"missing: {projects}/missing is not a folder.",
    ]


def test_the_status_for_programs(sampan: Sampan, projects: Path, releases: Path) -> None:
    (projects / "fleet.txt").write_text("edited\nmissing\n", encoding="utf-8")
    edited, missing = json.loads(sampan("fleet", "status", projects / "fleet.txt", "--json", "--template", releases).out)
    assert (edited["repository"], edited["version"], edited["behind"], edited["newest"]) == ("edited", "v1.0.0", "1 release", "v1.1.0")
    assert [finding["kind"] for finding in edited["findings"]] == ["drift", "edited"]
    assert missing["error"].endswith("missing is not a folder.")


def test_an_update_works_in_clones_and_goes_on_after_a_failure(sampan: Sampan, projects: Path, releases: Path) -> None:
    before = {name: state(projects / name) for name in ("untouched", "edited", "conflict")}
    outcome = sampan("fleet", "update", projects / "fleet.txt", "--output", projects / "out", "--json")
    assert outcome.code == 1
    done = {project["repository"]: project for project in json.loads(outcome.out)}
    assert {name: project["result"] for name, project in done.items()} == {
        "untouched": "updated",
        "edited": "updated",
        "conflict": "conflict",
        "acme/remote": "updated",
        "other": "failed",
        "missing": "failed",
    }
    assert done["conflict"]["detail"] == "src/app/kit/clock.py"
    assert {name: state(projects / name) for name in before} == before
    assert sorted(path.name for path in (projects / "out").iterdir()) == ["acme-remote", "edited", "untouched"]
    clone = projects / "out/edited"
    assert "cache of ours" in (clone / "src/app/kit/caching.py").read_text(encoding="utf-8")
    assert git("status", "--porcelain", cwd=clone) == ""
    assert git("log", "-1", "--format=%s", cwd=clone) == "Update from the template v1.0.0 to v1.1.0\n"
    assert git("branch", "--show-current", cwd=clone) == "template-v1.1.0\n"
    git("push", "-q", "origin", "template-v1.1.0", cwd=clone)
    assert "template-v1.1.0" in git("branch", "--list", cwd=projects / "edited")
    assert git("branch", "--list", cwd=projects / "acme/remote.git").split() == ["*", "main"]
    again = sampan("fleet", "update", projects / "fleet.txt", "--output", projects / "out", "--template", releases)
    assert "exists: push or remove it first." in " ".join(again.out.split())


def test_a_loss_is_refused_until_it_is_confirmed(sampan: Sampan, projects: Path) -> None:
    (projects / "fleet.txt").write_text("untouched\n", encoding="utf-8")
    arguments = ("fleet", "update", projects / "fleet.txt", "--output", projects / "out", "--to", "v1.0.0", "-d", "service=orders")
    outcome = sampan(*arguments)
    assert outcome.code == 1
    assert "refused" in outcome.out
    assert not (projects / "out").exists()
    outcome = sampan(*arguments, "--yes")
    assert outcome.code == 0
    assert f"  git -C {projects}/out/untouched push origin template-v1.0.0" in outcome.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", "lists no repositories: write one path or URL per line."),
        ("a\nsub/a\n", "names a more than once."),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(text: str, message: str, sampan: Sampan, tmp_path: Path) -> None:
    (tmp_path / "fleet.txt").write_text(text, encoding="utf-8")
    outcome = sampan("fleet", "status", tmp_path / "fleet.txt")
    assert (outcome.code, outcome.err) == (2, f"Error: {tmp_path}/fleet.txt {message}\n")
    assert sampan("fleet", "status", tmp_path / "none.txt").code == 2


def test_a_project_in_a_folder_of_a_repository_is_followed(sampan: Sampan, first: Path, tmp_path: Path) -> None:
    shutil.copytree(first, tmp_path / "mono/services/shop", ignore=shutil.ignore_patterns(".git"))
    commit_all(tmp_path / "mono", "Start")
    (tmp_path / "fleet.txt").write_text("mono#services/shop\n", encoding="utf-8")
    assert sampan("fleet", "update", tmp_path / "fleet.txt", "--output", tmp_path / "out").code == 0
    assert (tmp_path / "out/mono-services-shop/services/shop/src/app/kit/new.py").is_file()


HOST = "https://github.com/acme"


@pytest.fixture
def fleet(releases: Path, tmp_path: Path, sampan: Sampan, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The fleet of docs/cli.md: two projects of this machine and one behind a URL, all from the template's URL."""
    addresses = {f"{HOST}/sampan": releases, f"{HOST}/search": tmp_path / "hosted/search"}
    settings = {"GIT_CONFIG_COUNT": str(len(addresses))}
    for number, (url, folder) in enumerate(addresses.items()):
        # Copier appends .git to a URL, and git replaces the longest matching prefix.
        settings |= {f"GIT_CONFIG_KEY_{number}": f"url.{folder}/.insteadOf", f"GIT_CONFIG_VALUE_{number}": url}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    # Copier's git uses the environment from the time when plumbum was imported.
    with local.env(**settings):
        for name, version in {"orders": "v1.0.0", "billing": "v1.0.0", "hosted/search": "v1.1.0"}.items():
            project = tmp_path / name
            assert sampan("new", project, "--defaults", "--template", f"{HOST}/sampan", "--ref", version).code == 0
            if name == "billing":
                edit(project, "src/app/kit/clock.py", lambda text: text.replace("clock 15\n", "clock of ours\n"))
                edit(project, "infra/environments/production.service.tfvars", lambda text: text.replace("= 20", "= 50"))
            commit_all(project, "Start")
        shown = SECTIONS["fleet status"].split("$ cat fleet.txt\n")[1].split("$ ")[0]
        (tmp_path / "fleet.txt").write_text(shown, encoding="utf-8")
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("fleet")
def test_the_page_shows_runs_of_today(sampan: Sampan) -> None:
    """Red after a change of the tables? The page's lines are those that are printed here on the left."""
    for command in ("fleet status", "fleet update"):
        _, block = SECTIONS[command].split(f"$ sampan {command} fleet.txt\n")
        ran = sampan(*command.split(), "fleet.txt")
        assert [line.rstrip() for line in (ran.out + ran.err).splitlines()] == block.split("\n```")[0].splitlines()
