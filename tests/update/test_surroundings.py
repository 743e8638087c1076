"""An update works wherever a project lies: in a worktree, in a folder of a repository, beside a template, after a checkout on Windows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import copier
import pytest
from copier.errors import UserMessageError

from sampan import cli
from tests.harness import ANSWERS_FILE, commit_all, copy_questionnaire, fast_copier, files_of, git
from tests.update import gate
from tests.update.test_update import MARKER, release

PARTS: Final = (".gitattributes", "docs/ownership.json.jinja", "infra/environments")
FIRST, LAST = gate.VERSIONS[0], gate.VERSIONS[-1]
OTHER_FILES: Final = {
    "copier.yml": "colour: {type: str, default: red}\n",
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
}


@dataclass(frozen=True)
class Place:
    """A project in its surroundings."""

    project: Path
    repository: Path
    answers_file: str = ANSWERS_FILE


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions with the real questions, the real ownership and the files of answers."""
    folder = copy_questionnaire(tmp_path_factory.mktemp("source") / "template", *PARTS)
    gate.make_versions(folder)
    return folder


@pytest.fixture(autouse=True)
def identity() -> Iterator[None]:
    with gate.git_identity():
        yield


def start(source: Path, project: Path, answers_file: str = ANSWERS_FILE, version: str = FIRST) -> Path:
    with fast_copier():
        copier.run_copy(str(source), project, answers_file=answers_file, vcs_ref=version, defaults=True, quiet=True)
    return project


def in_a_worktree(source: Path, folder: Path) -> Place:
    commit_all(start(source, folder / "main"), "Start")
    git("worktree", "add", "-q", "-b", "update", str(folder / "worktree"), cwd=folder / "main")
    return Place(folder / "worktree", folder / "worktree")


def in_a_folder_of_a_repository(source: Path, folder: Path) -> Place:
    project = start(source, folder / "whole/services/käse shop ✓")
    (folder / "whole/src/app/kit").mkdir(parents=True)
    # The project's paths, one level up: files of the surrounding repository must not be mistaken for the project's.
    for path in ("src/app/kit/leaving.py", "README.md"):
        (folder / "whole" / path).write_text("of the repository\n", encoding="utf-8")
    commit_all(folder / "whole", "Start")
    return Place(project, folder / "whole")


def beside_another_template(source: Path, folder: Path) -> Place:
    other = folder / "other"
    other.mkdir()
    for name, text in OTHER_FILES.items():
        (other / name).write_text(text, encoding="utf-8")
    release(other, "v1.0.0")
    project = start(source, folder / "project", ".answers-service.yml")
    with fast_copier():
        copier.run_copy(str(other), project, answers_file=ANSWERS_FILE, defaults=True, quiet=True)
    commit_all(project, "Start")
    return Place(project, project, ".answers-service.yml")


def after_a_checkout_on_windows(source: Path, folder: Path) -> Place:
    commit_all(start(source, folder / "main"), "Start")
    git("clone", "-q", "-c", "core.autocrlf=true", str(folder / "main"), str(folder / "clone"), cwd=folder)
    git("config", "core.autocrlf", "true", cwd=folder / "clone")
    return Place(folder / "clone", folder / "clone")


def by_copier(place: Place) -> None:
    with fast_copier():
        copier.run_update(
            place.project, answers_file=place.answers_file, vcs_ref=LAST, defaults=True, quiet=True, overwrite=True, skip_answered=True
        )


def by_sampan(place: Place) -> None:
    assert cli.run(["update", str(place.project), "-a", place.answers_file, "--to", LAST, "--yes"]) == 0


PLACES: Final = (in_a_folder_of_a_repository, in_a_worktree, beside_another_template, after_a_checkout_on_windows)


@pytest.mark.parametrize(
    ("place", "update"),
    [
        pytest.param(place, update, marks=() if (place, update) == (PLACES[0], by_sampan) else pytest.mark.slow)
        for place in PLACES
        for update in (by_sampan, by_copier)
    ],
)
def test_an_update_gives_what_a_fresh_rendering_gives_and_the_edits(
    place: Callable[[Path, Path], Place], update: Callable[[Place], None], source: Path, tmp_path: Path
) -> None:
    at = place(source, tmp_path)
    others = {path: text for path, text in files_of(at.repository).items() if not (at.repository / path).is_relative_to(at.project)}
    if at.answers_file != ANSWERS_FILE:
        others[ANSWERS_FILE] = (at.project / ANSWERS_FILE).read_bytes()
    edits = gate.edit_in(at.project, moved=update is by_sampan)
    commit_all(at.repository, "Ours")

    update(at)

    files = files_of(at.project)
    fresh = files_of(start(source, tmp_path / "fresh", at.answers_file, LAST))
    assert set(files) == {*fresh, *edits, *(name for name in others if name == ANSWERS_FILE)}
    answers = files[at.answers_file].decode()
    assert f"_commit: {LAST}\n" in answers
    assert "colour: red\n" in answers
    assert {path for path, text in fresh.items() if files[path] != text} <= {*edits, at.answers_file}
    assert {path: line for path, line in edits.items() if line not in files[path]} == {}
    assert [path for path, text in files.items() if MARKER.search(text) or b"\r" in text] == []
    assert {path: (at.repository / path).read_bytes() for path in others} == others
    git("add", "-A", cwd=at.repository)
    changed = git("diff", "--cached", "--name-only", "--no-renames", "-z", cwd=at.repository).split("\0")
    assert [path for path in changed if path and not (at.repository / path).is_relative_to(at.project)] == []


def test_a_downgrade_is_refused_and_changes_nothing(source: Path, tmp_path: Path) -> None:
    project = start(source, tmp_path / "project", version=LAST)
    commit_all(project, "Start")
    before = gate.state(project)
    with fast_copier(), pytest.raises(UserMessageError, match="Downgrades are not supported"):
        copier.run_update(project, vcs_ref=FIRST, defaults=True, quiet=True, overwrite=True)
    assert cli.run(["update", str(project), "--to", FIRST]) == 2
    assert gate.state(project) == before
