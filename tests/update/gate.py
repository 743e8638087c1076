"""The rules of an update, three versions of the template to test them with, and a project that is updated through these."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sampan import cli, project
from tests.harness import ANSWERS_FILE, GIT_ENVIRONMENT, commit_all, files_of, git
from tests.update.test_update import MARKER, release

PROFILES: Final[dict[str, dict[str, Any]]] = {
    "sandbox": {},
    "startup": {},
    "production": {"domain": "api.example.com"},
    "regulated": {"domain": "api.example.com"},
}
VERSIONS: Final = ("v1.0.0", "v2.0.0", "v3.0.0")
LINES: Final = "".join(f"# line {number}\n" for number in range(1, 31))
COLOUR: Final = """\
colour:
  type: str
  ask: false
  help: Colour of the boats
  choices: [red, blue]
  default: "{% set question, value = 'colour', 'red' %}{% include 'extensions/default.jinja' %}"

"""
LAST_GROUP: Final = (
    "# ------------------------------------------------------------------------------------------------------------- update\n"
)


def make_versions(source: Path) -> None:
    """Release three versions in `source`, the template: a question, a move, a removal, a default and a narrower validator between them."""
    kit = source / "template/src/app/kit"
    kit.mkdir(parents=True, exist_ok=True)
    for name in ("moving", "leaving", "growing"):
        (kit / f"{name}.py").write_text(f'"""The {name} file."""\n{LINES}', encoding="utf-8")
    release(source, VERSIONS[0])

    _replace(source / "copier.yml", LAST_GROUP, COLOUR + LAST_GROUP)
    (source / "template/docs").mkdir(exist_ok=True)
    (source / "template/docs/colour.md.jinja").write_text("The boats are {= colour =}.\n", encoding="utf-8")
    (kit / "moving.py").rename(kit / "moved.py")
    _replace(kit / "moved.py", "line 15\n", "line fifteen\n")
    _replace(kit / "growing.py", "line 15\n", "line fifteen\n")
    _replace(source / "extensions/catalogue/profiles.yaml", ".currency: SGD", ".currency: THB")
    release(source, VERSIONS[1])

    (kit / "leaving.py").unlink()
    _replace(kit / "growing.py", "line 28\n", "line twenty-eight\n")
    _replace(source / "copier.yml", "[a-z][a-z0-9-]{0,38}[a-z0-9]", "[a-z][a-z0-9-]{0,8}[a-z0-9]")
    release(source, VERSIONS[2])


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path} no longer has {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def git_identity() -> Iterator[None]:
    """Give git a name and no configuration of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIT_ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


def create(source: Path, target: Path, answers: Mapping[str, Any], version: str) -> Path:
    """Render a version with plain Copier; the projects of `sampan` are held equal elsewhere."""
    data = target.parent / f"{target.name}.yml"
    data.write_text(yaml.safe_dump(dict(answers)), encoding="utf-8")
    with git_identity():
        assert cli.run(["render", str(data), str(target), "--template", str(source), "--ref", version]) == 0
    return target


Update = Callable[[Path, str], None]


def by_sampan(folder: Path, version: str) -> None:
    """Update with `sampan`, which also keeps edits in files that moved."""
    with git_identity():
        assert cli.run(["update", str(folder), "--to", version, "--yes"]) == 0


def by_copier(folder: Path, version: str) -> None:
    """Update with plain Copier."""
    with git_identity():
        command = [sys.executable, "-m", "copier", "update", "--defaults", "--quiet", "--vcs-ref", version]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)


@dataclass(frozen=True)
class State:
    """A project before or after an update."""

    files: dict[str, bytes]
    head: tuple[str, str, str]
    """Git's references, commits and configuration."""

    @property
    def answers(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self.files[ANSWERS_FILE])
        return {name: answer for name, answer in loaded.items() if not name.startswith("_")}


def state(folder: Path) -> State:
    head = (git("for-each-ref", cwd=folder), git("log", "--format=%H", cwd=folder), (folder / ".git/config").read_text(encoding="utf-8"))
    return State(files_of(folder), head)


@dataclass(frozen=True)
class Outcome:
    """An update, all that its rules need."""

    before: State
    after: State
    fresh: dict[str, bytes]
    """The new version, rendered with the answers after the update."""
    edits: dict[str, bytes]
    """Lines of the team by the path where they belong after the update."""
    again: str
    """The output of `git status` after a second update."""


def _managed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that an update may change."""
    owned = project.ownership(files.get(project.OWNERSHIP))
    return {path: text for path, text in files.items() if not (owned.is_seeded(path) or owned.is_yours(path) or path == ANSWERS_FILE)}


def differs_from_fresh(outcome: Outcome) -> list[str]:
    """Managed files without edits are those of a fresh rendering, byte for byte."""
    now, fresh = _managed(outcome.after.files), _managed(outcome.fresh)
    return [path for path in sorted(now.keys() | fresh.keys()) if path not in outcome.edits and now.get(path) != fresh.get(path)]


def loses_edits(outcome: Outcome) -> list[str]:
    """Each edit is still there."""
    return [path for path, line in outcome.edits.items() if line not in outcome.after.files.get(path, b"")]


def touches_the_teams(outcome: Outcome) -> list[str]:
    """Files of the team are unchanged."""
    owned = set(outcome.before.files) - set(_managed(outcome.before.files)) - {ANSWERS_FILE}
    return [path for path in sorted(owned) if outcome.after.files.get(path) != outcome.before.files[path]]


def resets_answers(outcome: Outcome) -> list[str]:
    """Each stored answer is the same after the update."""
    now = outcome.after.answers
    return [name for name, answer in outcome.before.answers.items() if name not in now or now[name] != answer]


def leaves_markers(outcome: Outcome) -> list[str]:
    """There is no conflict in any file."""
    return [path for path, text in outcome.after.files.items() if MARKER.search(text)]


def leaves_rejects(outcome: Outcome) -> list[str]:
    """No part of a patch was rejected."""
    return [path for path in outcome.after.files if path.endswith(".rej")]


def touches_git(outcome: Outcome) -> list[str]:
    """Branches, tags, commits and configuration are unchanged."""
    names = ("references", "commits", "configuration")
    return [name for name, old, new in zip(names, outcome.before.head, outcome.after.head, strict=True) if old != new]


def changes_again(outcome: Outcome) -> list[str]:
    """A second update is a no-op."""
    return outcome.again.splitlines()


RULES: Final[tuple[Callable[[Outcome], list[str]], ...]] = (
    differs_from_fresh, loses_edits, touches_the_teams, resets_answers, leaves_markers, leaves_rejects, touches_git, changes_again,
)  # fmt: skip


def broken(outcome: Outcome) -> dict[str, list[str]]:
    """Return the rules that an update broke, with what broke them."""
    return {rule.__name__: found for rule in RULES if (found := rule(outcome))}


def edit(folder: Path, *, moved: bool) -> dict[str, bytes]:
    """Edit a project as teams do and commit; the lines by the path where they are after all updates."""
    edits = edit_in(folder, moved=moved)
    commit_all(folder, "Ours")
    return edits


def edit_in(folder: Path, *, moved: bool) -> dict[str, bytes]:
    """Edit a project, which may be a folder of a repository, without a commit."""
    (folder / "src/app/kit/ours.py").write_text("# a file of ours\n", encoding="utf-8")
    edits = {"src/app/kit/ours.py": b"# a file of ours\n"}
    targets = {"src/app/kit/growing.py": "src/app/kit/growing.py"} | ({"src/app/kit/moving.py": "src/app/kit/moved.py"} if moved else {})
    for path, later in targets.items():
        text = (folder / path).read_text(encoding="utf-8")
        (folder / path).write_text(text.replace("# line 3\n", "# a line of ours\n"), encoding="utf-8")
        edits[later] = b"# a line of ours\n"
    for values in folder.glob("infra/environments/*.local.tfvars"):
        with values.open("a", encoding="utf-8") as file:
            file.write("# a value of ours\n")
        edits[values.relative_to(folder).as_posix()] = b"# a value of ours\n"
    return edits


def follow(source: Path, folder: Path, edits: dict[str, bytes], update: Update) -> Outcome:
    """Take a project of the first version to the last one, by way of the second, and update it once more."""
    before = state(folder)
    update(folder, VERSIONS[1])
    between = state(folder)
    assert between.head == before.head
    commit_all(folder, VERSIONS[1])
    started = state(folder)
    update(folder, VERSIONS[2])
    after = state(folder)
    fresh = files_of(create(source, folder.parent / "fresh", after.answers, VERSIONS[2]))
    commit_all(folder, VERSIONS[2])
    update(folder, VERSIONS[2])
    return Outcome(replace(before, head=started.head), after, fresh, edits, git("status", "--porcelain", cwd=folder))


def has_followed(outcome: Outcome) -> None:
    """Assert that the versions had their intended effect."""
    assert "src/app/kit/leaving.py" in outcome.before.files
    assert not {"src/app/kit/leaving.py", "src/app/kit/moving.py"} & set(outcome.after.files)
    assert outcome.after.files["docs/colour.md"] == b"The boats are red.\n"
    assert outcome.after.answers["colour"] == "red"
    assert outcome.after.answers["currency"] == "SGD"
    assert {b"# line fifteen", b"# line twenty-eight"} <= set(outcome.after.files["src/app/kit/growing.py"].splitlines())
    assert re.search(rb"(?m)^# line fifteen$", outcome.after.files["src/app/kit/moved.py"])
