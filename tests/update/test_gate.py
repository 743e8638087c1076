"""The update gate: four profiles, untouched and edited, over three versions, held to every rule of an update."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from sampan import cli
from tests.harness import ANSWERS_FILE, commit_all, copy_questionnaire, copy_template, git
from tests.update import gate
from tests.update.gate import Outcome, State

PARTS: Final = ("docs/ownership.json.jinja", "infra/environments")
EDITED: Final = pytest.mark.parametrize("edited", [False, True], ids=["untouched", "edited"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions with the real questions, the real ownership and the files of answers."""
    source = copy_questionnaire(tmp_path_factory.mktemp("small") / "template", *PARTS)
    gate.make_versions(source)
    return source


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three versions of the whole template."""
    source = copy_template(tmp_path_factory.mktemp("whole") / "template")
    gate.make_versions(source)
    return source


def passed(source: Path, folder: Path, profile: str, *, edited: bool, update: gate.Update) -> Outcome:
    """Take a project of `profile` through the gate."""
    project = gate.create(source, folder / "project", {"profile": profile, **gate.PROFILES[profile]}, gate.VERSIONS[0])
    commit_all(project, "Start")
    edits = gate.edit(project, moved=update is gate.by_sampan) if edited else {}
    outcome = gate.follow(source, project, edits, update)
    gate.has_followed(outcome)
    return outcome


def test_an_edited_project_passes(small: Path, tmp_path: Path) -> None:
    """The case of every run: files without edits are held to a fresh rendering here, too."""
    assert gate.broken(passed(small, tmp_path, "regulated", edited=True, update=gate.by_sampan)) == {}


@pytest.mark.slow
@EDITED
@pytest.mark.parametrize("update", [gate.by_sampan, gate.by_copier], ids=["sampan", "copier"])
@pytest.mark.parametrize("profile", gate.PROFILES)
def test_a_whole_project_passes(profile: str, update: gate.Update, edited: bool, whole: Path, tmp_path: Path) -> None:  # noqa: FBT001  # a parameter of the test
    assert gate.broken(passed(whole, tmp_path, profile, edited=edited, update=update)) == {}


def test_an_answer_that_is_no_longer_valid_stops_the_update_with_its_reason(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = gate.create(small, tmp_path / "project", {"team": "payments-and-orders"}, gate.VERSIONS[0])
    commit_all(project, "Start")
    before = gate.state(project)
    with gate.git_identity():
        assert cli.run(["update", str(project), "--to", gate.VERSIONS[2]]) == 2
        assert "team: choose platform, or " in capsys.readouterr().err
        assert gate.state(project) == before
        assert cli.run(["update", str(project), "--to", gate.VERSIONS[2], "-d", "team=payments"]) == 0
    assert gate.state(project).answers == {**before.answers, "team": "payments", "colour": "red"}


GOOD: Final = Outcome(
    before=State({ANSWERS_FILE: b"team: a\n", "main.py": b"1\n", "README.md": b"a\n"}, ("refs", "log", "config")),
    after=State(
        {ANSWERS_FILE: b"team: a\ncolour: red\n", "main.py": b"2\nours\n", "new.py": b"n\n", "README.md": b"a\n"}, ("refs", "log", "config")
    ),
    fresh={ANSWERS_FILE: b"team: a\ncolour: red\n", "main.py": b"2\n", "new.py": b"n\n", "README.md": b"b\n"},
    edits={"main.py": b"ours\n"},
    again="",
)
"""An update that keeps every rule, but for the map of ownership, which `owned` adds."""


def owned(outcome: Outcome) -> Outcome:
    stated = {"docs/ownership.json": b'{"seeded": ["README.md"], "yours": []}'}
    before, after = (replace(of, files=of.files | stated) for of in (outcome.before, outcome.after))
    return replace(outcome, before=before, after=after, fresh=outcome.fresh | stated)


def with_file(name: str, text: bytes | None) -> Callable[[Outcome], Outcome]:
    """Change a file after the update, or remove it."""

    def change(outcome: Outcome) -> Outcome:
        files = {path: content for path, content in outcome.after.files.items() if path != name}
        return replace(outcome, after=replace(outcome.after, files=files if text is None else files | {name: text}))

    return change


BREAKS: Final[dict[str, tuple[Callable[[Outcome], Outcome], dict[str, list[str]]]]] = {
    "a file that did not arrive": (with_file("new.py", None), {"differs_from_fresh": ["new.py"]}),
    "a file with another byte": (with_file("new.py", b"n"), {"differs_from_fresh": ["new.py"]}),
    "a file that stayed": (with_file("old.py", b""), {"differs_from_fresh": ["old.py"]}),
    "a lost edit": (with_file("main.py", b"2\n"), {"loses_edits": ["main.py"]}),
    "an edited file that went": (with_file("main.py", None), {"loses_edits": ["main.py"]}),
    "a file of the team": (with_file("README.md", b"b\n"), {"touches_the_teams": ["README.md"]}),
    "a deleted file of the team": (with_file("README.md", None), {"touches_the_teams": ["README.md"]}),
    "an answer reset": (with_file(ANSWERS_FILE, b"team: b\ncolour: red\n"), {"resets_answers": ["team"]}),
    "an answer gone": (with_file(ANSWERS_FILE, b"colour: red\n"), {"resets_answers": ["team"]}),
    "a marker": (with_file("main.py", b"<<<<<<< before updating\nours\n>>>>>>> after updating\n"), {"leaves_markers": ["main.py"]}),
    "a reject": (with_file("main.py.rej", b""), {"leaves_rejects": ["main.py.rej"], "differs_from_fresh": ["main.py.rej"]}),
    "a commit": (lambda good: replace(good, after=replace(good.after, head=("refs", "log 2", "config"))), {"touches_git": ["commits"]}),
    "a second change": (lambda good: replace(good, again=" M main.py\n"), {"changes_again": [" M main.py"]}),
}
"""One break of each rule, and what the gate says of it."""


def test_the_good_update_keeps_every_rule() -> None:
    assert gate.broken(owned(GOOD)) == {}


@pytest.mark.parametrize("planted", BREAKS)
def test_a_planted_break_is_found(planted: str) -> None:
    plant, expected = BREAKS[planted]
    assert gate.broken(plant(owned(GOOD))) == expected


def test_each_rule_has_a_planted_break() -> None:
    assert {rule for _, found in BREAKS.values() for rule in found} == {rule.__name__ for rule in gate.RULES}


@pytest.mark.slow
def test_a_template_that_forgets_an_answer_does_not_pass(small: Path, tmp_path: Path) -> None:
    """A break in the template, not in the record of an update: the question keeps no stored answer."""
    source = tmp_path / "template"
    git("clone", "-q", str(small), str(source), cwd=tmp_path)
    git("checkout", "-q", "-B", "main", gate.VERSIONS[2], cwd=source)
    text = (source / "copier.yml").read_text(encoding="utf-8")
    forgetful = text.replace("""default: "{% set question = 'currency' %}{% include 'extensions/default.jinja' %}\"""", "default: THB", 1)
    assert forgetful != text
    lines = forgetful.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("currency:"))
    lines.insert(start + 1, "  when: false\n")
    (source / "copier.yml").write_text("".join(lines), encoding="utf-8")
    commit_all(source, "Forget the currency")
    git("tag", "-f", gate.VERSIONS[2], cwd=source)
    project = gate.create(source, tmp_path / "project", {}, gate.VERSIONS[0])
    commit_all(project, "Start")
    outcome = gate.follow(source, project, {}, gate.by_sampan)
    assert gate.broken(outcome)["resets_answers"] == ["currency"]
