"""The versions of Python packages that a rendered project resolves: those that the template's tests ran with.

They are in the catalogue, one requirement per line: `packages.txt` for `[tool.uv] constraint-dependencies`, and
`build_packages.txt` for `build-constraint-dependencies`. One version holds for all Python versions of a project where one can.
"""

import os
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import copier

from sampan import root

ROOT: Final = root.root()
CATALOGUE: Final = root.catalogue()
PACKAGES: Final = CATALOGUE / "packages.txt"
BUILD_PACKAGES: Final = CATALOGUE / "build_packages.txt"
BUILD_SYSTEM: Final = "hatchling"
VARIANTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"accounts": "local", "mail": "ses", "domain": "example.com", "tracing": True, "delivery": "canary"},
    {"accounts": "remote", "mail": "smtp", "tracing": False},
    {"accounts": "local", "mail": "smtp", "tracing": False},
)
"""Answers that together bring every package a project can depend on."""


def move() -> int:
    """Resolve the newest versions for every variant and write them to the catalogue; how many there are."""
    found: list[str] = []
    for answers in VARIANTS:
        found = sorted({*found, *_resolve(answers, found)})
    packages = simplify(found)
    build = simplify(_resolve_build())
    PACKAGES.write_text("".join(f"{requirement}\n" for requirement in packages), encoding="utf-8")
    BUILD_PACKAGES.write_text("".join(f"{requirement}\n" for requirement in build), encoding="utf-8")
    return len(packages) + len(build)


def simplify(requirements: Iterable[str]) -> list[str]:
    """Requirements without the markers of packages that have one version, sorted by name."""
    marked: defaultdict[str, set[str]] = defaultdict(set)
    for requirement in requirements:
        marked[requirement.partition(" ; ")[0]].add(requirement)
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for pin in marked:
        versions[pin.partition("==")[0]].add(pin)
    return sorted(line for pin in marked for line in ({pin} if len(versions[pin.partition("==")[0]]) == 1 else marked[pin]))


def _resolve(answers: Mapping[str, Any], earlier: list[str]) -> list[str]:
    """The newest versions of a project's packages, those of `earlier` variants unchanged."""
    with tempfile.TemporaryDirectory(prefix="sampan-") as folder:
        project = Path(folder) / "project"
        copier.run_copy(str(ROOT), project, data=dict(answers), defaults=True, quiet=True, vcs_ref="HEAD")
        definition = project / "pyproject.toml"
        definition.write_text(replace_constraints(definition.read_text(encoding="utf-8"), earlier), encoding="utf-8")
        _uv(project, "lock", "--upgrade")
        exported = _uv(
            project,
            *("export", "--locked", "--all-groups", "--no-hashes", "--no-emit-project", "--no-emit-local"),
            *("--no-annotate", "--no-header", "--format", "requirements-txt"),
        )
        return [line.strip() for line in exported.splitlines() if line.strip()]


def replace_constraints(definition: str, requirements: list[str]) -> str:
    """A project's pyproject.toml with other constraints in place of its own."""
    start = "\nconstraint-dependencies = [\n"
    before, _, rest = definition.partition(start)
    _, end, after = rest.partition("]\n")
    return before + start + "".join(f'    "{requirement}",\n' for requirement in requirements) + end + after


def _resolve_build() -> list[str]:
    """The newest versions of the packages that build a project."""
    with tempfile.TemporaryDirectory(prefix="sampan-") as folder:
        (Path(folder) / "build.in").write_text(f"{BUILD_SYSTEM}\n", encoding="utf-8")
        options = ("--universal", "--python-version", "3.11", "--no-annotate", "--no-header", "--no-emit-index-url", "build.in")
        return [line.strip() for line in _uv(Path(folder), "pip", "compile", *options).splitlines() if line.strip()]


def _uv(project: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    run = subprocess.run(["uv", "--quiet", *arguments], cwd=project, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout
