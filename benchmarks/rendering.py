"""How much CPU a rendering takes: plain Copier, `sampan.fast`, and a plain copy of as many files.

Runs all of them in turn, some passes, and prints the medians (and the extremes) in CPU seconds, user and system, of this process and its
children. Times vary from machine to machine; the ratios between the lines vary less. With `--rows N` the first N rows of the matrix
follow, each rendered once by plain Copier and once by `sampan.fast`; with `--update` an update of a committed project.

    .venv/bin/python benchmarks/rendering.py
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import copier

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "extensions")]

from sampan import matrix  # noqa: E402  # the repository's root has to be found first
from sampan.fast import changed, fast_copier  # noqa: E402  # as above
from tests.harness import commit_all, copy_template, git  # noqa: E402  # as above


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds, user and system, of this process and of the processes it waited for."""
    before = os.times()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


class Copies:
    """Copies of the template, each in a new folder."""

    def __init__(self, template: Path, folder: Path) -> None:
        self.template = template
        self.targets = (folder / f"{number:03d}" for number in count())

    def plain(self, answers: Mapping[str, Any] | None = None) -> Path:
        """Render with plain Copier."""
        target = next(self.targets)
        copier.run_copy(str(self.template), target, data=dict(answers or {}), defaults=True, quiet=True)
        return target

    def fast(self, answers: Mapping[str, Any] | None = None) -> Path:
        """Render with `sampan.fast`."""
        with fast_copier():
            return self.plain(answers)

    def files(self, project: Path) -> Path:
        """Copy a rendered project."""
        target = next(self.targets)
        shutil.copytree(project, target)
        return target


def line(name: str, seconds: list[float], reference: float, note: str = "") -> None:
    """Print one row of the table."""
    median = statistics.median(seconds)
    print(f"{name:34} {median:7.2f} {min(seconds):7.2f} {max(seconds):7.2f} {reference / median:7.1f}  {note}".rstrip())


def one_copy(copies: Copies, passes: int) -> None:
    """Measure a copy of the default project."""
    project = copies.plain()
    files = sum(path.is_file() for path in project.rglob("*"))
    cases: dict[str, Callable[[], object]] = {
        "plain Copier": copies.plain,
        "sampan.fast": copies.fast,
        "a plain copy of the files": lambda: copies.files(project),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(passes):
        for name, work in cases.items():
            seconds[name].append(cpu_seconds(work))
    reference = statistics.median(seconds["plain Copier"])
    goals = {"plain Copier": f"goal {0.3 + 0.01 * files:.2f}: 0.3 s and 10 ms a file", "sampan.fast": "goal 2.20"}
    print(f"{files} files, {passes} passes, Copier {'changed: ' + ', '.join(changed()) if changed() else 'as tested'}")
    print(f"{'CPU seconds':34} {'median':>7} {'least':>7} {'most':>7} {'faster':>7}")
    for name, measured in seconds.items():
        line(name, measured, reference, goals.get(name, ""))


def rows(copies: Copies, number: int) -> None:
    """Measure rows of the matrix, each once, by both."""
    plain, fast = [], []
    for row in matrix.rows()[:number]:
        answers = matrix.answers(row)
        fast.append(cpu_seconds(lambda answers=answers: copies.fast(answers)))
        plain.append(cpu_seconds(lambda answers=answers: copies.plain(answers)))
    print(f"\n{'CPU seconds a row':34} {'median':>7} {'least':>7} {'most':>7} {'faster':>7}")
    line(f"plain Copier, {number} rows", plain, statistics.median(plain))
    line(f"sampan.fast, {number} rows", fast, statistics.median(plain))


def updates(folder: Path, passes: int) -> None:
    """Measure an update that changes one line of the template, of a project with one edit."""
    template = copy_template(folder / "versions")
    commit_all(template, "One")
    git("tag", "1.0.0", cwd=template)
    with (template / "template/docs/security.md").open("a") as document:
        document.write("\nA line.\n")
    commit_all(template, "Two")
    git("tag", "2.0.0", cwd=template)
    project = folder / "project"
    with fast_copier():
        copier.run_copy(str(template), project, vcs_ref="1.0.0", defaults=True, quiet=True)
    with (project / "pyproject.toml").open("a") as edited:
        edited.write("\n# mine\n")
    commit_all(project, "Mine")

    def update() -> None:
        git("reset", "-q", "--hard", cwd=project)
        git("clean", "-fdq", cwd=project)
        copier.run_update(project, vcs_ref="2.0.0", defaults=True, quiet=True, overwrite=True)

    def fast_update() -> None:
        with fast_copier():
            update()

    plain, fast = [], []
    for _ in range(passes):
        plain.append(cpu_seconds(update))
        fast.append(cpu_seconds(fast_update))
    print(f"\n{'CPU seconds an update':34} {'median':>7} {'least':>7} {'most':>7} {'faster':>7}")
    line("plain Copier", plain, statistics.median(plain))
    line("sampan.fast", fast, statistics.median(plain))


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copies = Copies(copy_template(Path(folder) / "template"), Path(folder))
        one_copy(copies, options.passes)
        if options.rows:
            rows(copies, options.rows)
        if options.update:
            updates(Path(folder), min(options.passes, 3))


if __name__ == "__main__":
    main()
