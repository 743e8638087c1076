"""Renders projects for the tests: the same bytes as plain Copier, several times faster.

`sampan.fast` leaves out Copier's repeated work, and the harness copies the template once to a plain folder where Copier would clone it
for each rendering. `test_harness.py` compares its output with the plain command line's, `test_fast.py` with plain Copier's in process.
"""

import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier
import pytest

from sampan import fast

ROOT = Path(__file__).parents[1]
ANSWERS_FILE = ".copier-answers.yml"

GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Template tests",
    "GIT_AUTHOR_EMAIL": "tests@example.com",
    "GIT_COMMITTER_NAME": "Template tests",
    "GIT_COMMITTER_EMAIL": "tests@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}

fast_copier = fast.fast_copier


def template_files() -> list[str]:
    """List the files of the template in the work tree, ignored ones left out; from the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "copier.yml", "extensions", "template"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def copy_template(target: Path) -> Path:
    """A plain copy of the template, without git, in `target`."""
    for name in template_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


def copy_questionnaire(target: Path, *parts: str) -> Path:
    """The template in `target` with few files, so that it renders at once: the answers file, and the `parts` of template/."""
    shutil.copytree(ROOT / "extensions", target / "extensions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "copier.yml", target)
    for part in ("{= _copier_conf.answers_file =}.jinja", *parts):
        source, copied = ROOT / "template" / part, target / "template" / part
        copied.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, copied)
    return target


def git(*arguments: str, cwd: Path) -> str:
    """Run git as a person without configuration. Return its standard output."""
    return subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, env={**os.environ, **GIT_ENVIRONMENT}
    ).stdout


def commit_all(folder: Path, message: str) -> None:
    """Commit everything that git does not ignore in `folder`, and make it a repository first if necessary."""
    if not (folder / ".git").exists():
        git("init", "-q", "-b", "main", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "--allow-empty", "-m", message, cwd=folder)


class Renderer:
    """Renders each set of answers once and hands out the same folder again. Treat it as read-only; `workspace` gives a copy."""

    def __init__(self, template: Path, output: Path) -> None:
        self.template = template
        self.output = output
        self.seen: dict[str, Path] = {}

    def __call__(self, answers: Mapping[str, Any] | None = None) -> Path:
        key = json.dumps(answers or {}, sort_keys=True)
        if key not in self.seen:
            self.seen[key] = self.fresh(self.output / f"{len(self.seen):03d}", answers)
        return self.seen[key]

    def fresh(self, target: Path, answers: Mapping[str, Any] | None = None) -> Path:
        """Render into `target`, a folder that does not exist yet."""
        with fast_copier():
            copier.run_copy(str(self.template), target, data=dict(answers or {}), defaults=True, quiet=True)
        return target

    def workspace(self, target: Path, answers: Mapping[str, Any] | None = None) -> Path:
        """A copy of the rendered project that the caller may change."""
        shutil.copytree(self(answers), target, symlinks=True)
        return target


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a rendered project by its path.

    Left out are git's own folder, and the bytecode that another test leaves when it runs a command of the shared project (Copier's default
    exclusions keep bytecode out of renderings).
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", "__pycache__"} & set(path.relative_to(folder).parts)
    }


def install_program(target: Path, source: Path) -> None:
    """Turn a Python file into the program `target`, with its bytecode beside it: a test starts a fake tool dozens of times."""
    compiled = target.with_name(f"{target.name}.pyc")
    py_compile.compile(str(source), cfile=str(compiled), doraise=True)
    target.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{compiled}" "$@"\n', encoding="utf-8")
    target.chmod(0o755)


def required(tool: str) -> str:
    """Return the path of a command-line tool. If it is missing, skip the test, or fail it if SAMPAN_REQUIRE_TOOLS=1 is set."""
    found = shutil.which(tool, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        reason = f"{tool} is not on PATH"
        if os.environ.get("SAMPAN_REQUIRE_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
