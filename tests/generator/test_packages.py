"""A rendered project resolves the versions that were tested, in every variant and on every Python version."""

import itertools
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sampan.packages import replace_constraints, simplify
from tests.harness import ROOT, Renderer

# The answers on which a project's packages depend.
VARIANTS: list[dict[str, Any]] = [
    {"accounts": accounts, "mail": mail, "domain": "example.com", "tracing": tracing, "delivery": delivery, "platform": platform}
    for accounts, mail, tracing, (delivery, platform) in itertools.product(
        ("local", "remote"), ("smtp", "ses"), (True, False), (("rolling", "create"), ("canary", "join"))
    )
]
PYTHONS = ("3.11.0", "3.11.9", "3.12.3", "3.13.1", "3.14.0")


def read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def direct(project: Path) -> list[Requirement]:
    """Return the requirements of a project and of the packages inside its folder, groups included; not those packages themselves."""
    definition = read(project / "pyproject.toml")
    sources = definition["tool"]["uv"]["sources"]
    texts = list(definition["project"]["dependencies"])
    for group in definition["dependency-groups"].values():
        texts.extend(line for line in group if isinstance(line, str))
    for source in sources.values():
        texts.extend(read(project / source["path"] / "pyproject.toml")["project"]["dependencies"])
    return [requirement for requirement in map(Requirement, texts) if requirement.name not in sources]


def pins(constraints: list[str], python: str) -> dict[str, Version]:
    """The version of each package, on Linux and a version of Python."""
    found: dict[str, Version] = {}
    for requirement in map(Requirement, constraints):
        environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2]), "sys_platform": "linux"}
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", requirement
            assert requirement.url is None
            found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found


@pytest.mark.parametrize("answers", VARIANTS, ids=lambda answers: "-".join(str(value).lower() for value in answers.values()))
def test_every_direct_dependency_has_one_tested_version(answers: dict[str, Any], render: Renderer) -> None:
    project = render(answers)
    constraints = read(project / "pyproject.toml")["tool"]["uv"]["constraint-dependencies"]
    requirements = direct(project)
    assert len(requirements) > 30
    for python in PYTHONS:
        pinned = pins(constraints, python)
        for requirement in requirements:
            version = pinned[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement} on Python {python}: {version}"


def test_what_builds_a_project_has_a_tested_version_too(render: Renderer) -> None:
    project = render({})
    definition = read(project / "pyproject.toml")
    pinned = pins(definition["tool"]["uv"]["build-constraint-dependencies"], PYTHONS[0])
    systems = [definition["build-system"]]
    systems += [
        read(project / source["path"] / "pyproject.toml")["build-system"] for source in definition["tool"]["uv"]["sources"].values()
    ]
    assert len(systems) > 1
    for requirement in (Requirement(text) for system in systems for text in system["requires"]):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("name", ["packages", "build_packages"])
def test_constraints_are_sorted_versions_without_a_host(name: str) -> None:
    lines = (ROOT / f"extensions/catalogue/{name}.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 5
    assert lines == sorted(set(lines))
    assert not [line for line in lines if "/" in line or "@" in line or line.startswith("-")]


def test_a_marker_stays_only_where_versions_differ() -> None:
    found = [
        "a==1",
        "b==2 ; python_full_version < '3.12'",
        "b==3 ; python_full_version >= '3.12'",
        "c==4 ; sys_platform == 'win32'",
        "c==4",
    ]
    assert simplify(found) == ["a==1", "b==2 ; python_full_version < '3.12'", "b==3 ; python_full_version >= '3.12'", "c==4"]


def test_constraints_are_replaced_without_touching_the_rest(render: Renderer) -> None:
    text = (render({}) / "pyproject.toml").read_text(encoding="utf-8")
    before, after = tomllib.loads(text), tomllib.loads(replace_constraints(text, ["babel==1"]))
    assert after["tool"]["uv"]["constraint-dependencies"] == ["babel==1"]
    after["tool"]["uv"]["constraint-dependencies"] = before["tool"]["uv"]["constraint-dependencies"]
    assert after == before


def test_python_packages_move_with_the_template_alone(render: Renderer) -> None:
    """Exact constraints leave Dependabot nothing to raise: an entry would only fail each week."""
    assert "package-ecosystem: uv" not in (render({}) / ".github/dependabot.yml").read_text(encoding="utf-8")
