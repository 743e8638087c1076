"""A rendered project passes its own checks: format, lint, strict types, tests, and leaves nothing behind in git."""

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import ROOT, git
from tests.service.conftest import VARIANTS, run_uv

Projects = Callable[[str], Path]


def number(pattern: str, output: str) -> int:
    """The number that a pattern finds in a run's output."""
    found = re.search(pattern, output)
    assert found is not None, output[-2000:]
    return int(found.group(1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_is_formatted_linted_and_typed(variant: str, projects: Projects) -> None:
    project = projects(variant)
    run_uv(project, "run", "--locked", "ruff", "format", "--check", ".")
    run_uv(project, "run", "--locked", "ruff", "check", ".")
    assert "no issues found" in run_uv(project, "run", "--locked", "mypy")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_resolves_only_versions_that_were_tested(variant: str, projects: Projects) -> None:
    """Also the packages that its own packages need."""
    project = projects(variant)
    locked = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))["package"]
    found = {f"{package['name']}=={package['version']}" for package in locked if "registry" in package["source"]}
    pins = (ROOT / "extensions/catalogue/packages.txt").read_text(encoding="utf-8").splitlines()
    assert len(found) > 60
    assert found <= {pin.partition(" ; ")[0] for pin in pins}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_passes_its_own_tests(variant: str, projects: Projects) -> None:
    """Its own configuration has them fail below 95 % of lines and branches."""
    project = projects(variant)
    output = run_uv(project, "run", "--locked", "pytest", "-q", "--cov")
    assert number(r"(\d+) passed", output) >= (200 if variant == "defaults" else 50)
    assert "Required test coverage of 95" in output
    assert git("status", "--porcelain", cwd=project) == ""


@pytest.mark.slow
def test_a_project_keeps_its_contract_under_generated_requests(projects: Projects) -> None:
    output = run_uv(projects("defaults"), "run", "--locked", "--group", "fuzz", "pytest", "-q", "-m", "fuzz", "-n", "0")
    assert number(r"(\d+) cases of", output) >= 2_000


@pytest.mark.slow
def test_a_project_outlives_the_failure_of_its_parts(projects: Projects) -> None:
    assert number(r"(\d+) passed", run_uv(projects("defaults"), "run", "--locked", "pytest", "-q", "-m", "faults", "-n", "0")) >= 6


def test_the_sample_can_be_deleted(projects: Projects, folder: Path) -> None:
    project = folder / "without-sample"
    shutil.copytree(projects("defaults"), project, ignore=shutil.ignore_patterns(".venv", ".dev", "__pycache__", ".*_cache"), symlinks=True)
    shutil.rmtree(project / "src/app/products")
    shutil.rmtree(project / "tests/products")
    (project / "src/app/migrations/versions/0003_products.py").unlink()
    run_uv(project, "run", "--locked", "ruff", "check", ".")
    assert "no issues found" in run_uv(project, "run", "--locked", "mypy")
    assert " passed" in run_uv(project, "run", "--locked", "pytest", "-q")
