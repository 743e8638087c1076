"""CPU of a copy by Copier with each patch of docs/upstream/, with all of them, and without.

Makes one copy of the installed Copier for each case, applies the patches, and copies a template with every copy in turn, some passes. The
template is one of 250 folders and 500 files without markup, or `--template PATH`. Prints medians in CPU seconds, user and system, of
the copy and its children, without the start of Python and its imports. Fails if the projects differ in one byte or mode; `--passes 0`
does nothing but compare them.

    .venv/bin/python benchmarks/upstream.py
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import copier

PATCHES = sorted((Path(__file__).parents[1] / "docs/upstream").glob("*.patch"))
COPY = """
import os, sys
import copier
before = os.times()
copier.run_copy(sys.argv[1], sys.argv[2], defaults=True, quiet=True)
after = os.times()
print(copier.__file__, sum(after[:4]) - sum(before[:4]))
"""


def patched(folder: Path, patches: list[Path]) -> Path:
    """Copy the installed Copier into `folder` and apply patches to it."""
    shutil.copytree(Path(copier.__file__).parent, folder / "copier", ignore=shutil.ignore_patterns("__pycache__"))
    for patch in patches:
        subprocess.run(["git", "apply", "--include=copier/*", str(patch)], cwd=folder, check=True)
    return folder


def template(folder: Path) -> Path:
    """Write a template of 250 folders and 500 files without markup, three levels deep."""
    for number in range(250):
        deep = folder / f"part{number % 10}" / f"folder{number}"
        deep.mkdir(parents=True)
        for name in ("one.txt", "two.txt"):
            (deep / name).write_text(f"{number} {name}\n")
    (folder / "copier.yml").write_text("name: orders\n")
    (folder / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers | to_nice_yaml }}\n")
    return folder


def fingerprint(project: Path) -> str:
    """Return a hash of every path, mode and content of a project."""
    files = sorted(path for path in project.rglob("*") if path.is_file())
    entries = [(str(p.relative_to(project)), p.stat().st_mode, hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--template", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = options.template or template(folder / "template")
        cases = {"plain": [], **{patch.stem: [patch] for patch in PATCHES}, "all": PATCHES}
        trees = {case: patched(folder / case, patches) for case, patches in cases.items()}
        seconds: dict[str, list[float]] = {case: [] for case in cases}
        results = set()
        for number in range(options.passes + 1):  # the first pass fills the caches of bytecode and files
            for case, tree in trees.items():
                project = folder / f"{case}-{number}"
                command = [sys.executable, "-c", COPY, str(source), str(project)]
                run = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(tree)}, check=True, capture_output=True, text=True)
                used, measured = run.stdout.split()
                assert used.startswith(str(tree)), used
                results.add(fingerprint(project))
                shutil.rmtree(project)
                if number:
                    seconds[case].append(float(measured))
        assert len(results) == 1, "the projects differ"
        if not options.passes:
            return
        plain = statistics.median(seconds["plain"])
        print(f"{'CPU seconds':44} {'median':>7} {'least':>7} {'most':>7} {'faster':>7}")
        for case, measured in seconds.items():
            median = statistics.median(measured)
            print(f"{case:44} {median:7.2f} {min(measured):7.2f} {max(measured):7.2f} {plain / median:7.1f}")


if __name__ == "__main__":
    main()
