"""A small template with two releases and a project of the first, for the commands that follow a template.

It has the real questions and macros, the real map of ownership and the real files that hold answers, and a few files of its own, so that a
rendering takes a fraction of a second.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sampan import cli
from tests.harness import GIT_ENVIRONMENT, ROOT, commit_all, copy_questionnaire, git

PARTS = ("docs/ownership.json.jinja", "infra/environments")
LINES = "".join(f"line {number}\n" for number in range(1, 31))
ENVIRONMENT = {**GIT_ENVIRONMENT, "PYTHONPATH": str(ROOT / "extensions"), "COLUMNS": "80"}
COMMAND = [sys.executable, "-m", "sampan"]


@dataclass(frozen=True)
class Outcome:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str


Sampan = Callable[..., Outcome]


@pytest.fixture
def sampan(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sampan:
    """`sampan("update", "-d", "spot=no")` runs the command in this process, without a terminal."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        return Outcome(code, printed.out, printed.err)

    return run


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's repository.

    Release 1.1.0 changes, moves, removes and adds a file each, changes the seeded README, and takes back docs/notes.md, which was seeded.
    """
    folder = tmp_path_factory.mktemp("releases") / "template"
    copy_questionnaire(folder, *PARTS)
    source = folder / "template"
    ownership = (source / "docs/ownership.json.jinja").read_text(encoding="utf-8")
    write(
        source,
        {
            "README.md.jinja": "# {= project_name =}\n",
            "src/app/main.py": LINES,
            "src/app/kit/cache.py": LINES.replace("line", "cache"),
            "src/app/kit/clock.py": LINES.replace("line", "clock"),
            "src/app/kit/old.py": LINES.replace("line", "old"),
            "src/app/products/routes.py": "the sample\n",
            "docs/notes.md": LINES.replace("line", "note"),
            "docs/ownership.json.jinja": ownership.replace("options.owned", "(options.owned + ['docs/notes.md'])"),
        },
    )
    commit_all(folder, "First release")
    git("tag", "v1.0.0", cwd=folder)
    (source / "src/app/kit/old.py").unlink()
    (source / "src/app/kit/cache.py").unlink()
    write(
        source,
        {
            "README.md.jinja": "# {= project_name =}, newer\n",
            "src/app/kit/caching.py": LINES.replace("line", "cache").replace("cache 15\n", "cache fifteen\n"),
            "src/app/kit/clock.py": LINES.replace("line", "clock").replace("clock 15\n", "clock fifteen\n"),
            "src/app/kit/new.py": "new\n",
            "docs/notes.md": LINES.replace("line", "note").replace("note 15\n", "note fifteen\n"),
            "docs/ownership.json.jinja": ownership,
            "src/app/products/routes.py": "the newer sample\n",
        },
    )
    commit_all(folder, "Second release")
    git("tag", "v1.1.0", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def first(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of release 1.0.0, committed; read-only."""
    folder = tmp_path_factory.mktemp("first") / "project"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        assert cli.run(["new", str(folder), "--defaults", "--template", str(releases), "--ref", "v1.0.0", "-d", "project_name=Shop"]) == 0
    commit_all(folder, "Start")
    return folder


@pytest.fixture
def project(first: Path, tmp_path: Path) -> Path:
    """A project of release 1.0.0 that the test may change."""
    return shutil.copytree(first, tmp_path / "project")
