"""Renders projects for the tests: the same bytes as plain Copier, about four times faster.

Three things cost time in a plain copy of many variants: compiling the same Jinja sources again, one `git config` process a file, and the
clone of the template. The harness copies the template once to a plain folder, keeps compiled templates, and leaves that process out.
`test_harness.py` holds its output equal to the plain command line's.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import copier
import pytest
from copier._jinja_ext import get_yield_context
from copier._main import Worker
from jinja2 import Environment

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

_compile = Environment.compile


@cache
def _compiled(source: str, name: str | None, filename: str | None, settings: tuple[Any, ...]) -> CodeType:
    environment = _environments[settings]
    return _compile(environment, source, name, filename)


_environments: dict[tuple[Any, ...], Environment] = {}


def _memoised_compile(self: Environment, source: Any, name: str | None = None, filename: str | None = None, **other: Any) -> Any:
    if other or not isinstance(source, str) or "{% yield" in source:
        return _compile(self, source, name, filename, **other)
    settings = (self.variable_start_string, self.line_statement_prefix, self.trim_blocks, self.keep_trailing_newline)
    _environments.setdefault(settings, self)
    context = get_yield_context(self)  # what Copier's extension does before each compilation
    context.yield_name = context.yield_iterable = None
    return _compiled(source, name, filename, settings)


@contextmanager
def fast_copier() -> Iterator[None]:
    """Copier without its repeated work, inside the block."""
    sync = Worker._sync_git_index_executable_bit
    Environment.compile = _memoised_compile  # type: ignore[assignment, method-assign]  # the patch is the point
    Worker._sync_git_index_executable_bit = lambda *_: None  # type: ignore[method-assign]  # one git process a file
    try:
        yield
    finally:
        Environment.compile = _compile  # type: ignore[method-assign]
        Worker._sync_git_index_executable_bit = sync  # type: ignore[method-assign]


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
    """Run git as a person without configuration; its standard output."""
    return subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True, env={**os.environ, **GIT_ENVIRONMENT}
    ).stdout


def commit_all(folder: Path, message: str) -> None:
    """Commit everything that git does not ignore in `folder`, which becomes a repository if it is none."""
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


def required(tool: str) -> str:
    """Path of a command-line tool; without it the test skips, or fails where SAMPAN_REQUIRE_TOOLS=1 says that it must be there."""
    found = shutil.which(tool, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        reason = f"{tool} is not on PATH"
        if os.environ.get("SAMPAN_REQUIRE_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
