"""A rendered project passes its own checks: format, lint, strict types, tests, and leaves nothing behind in git."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import git
from tests.service.conftest import VARIANTS, run_uv

Projects = Callable[[str], Path]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_is_formatted_linted_and_typed(variant: str, projects: Projects) -> None:
    project = projects(variant)
    run_uv(project, "run", "--locked", "ruff", "format", "--check", ".")
    run_uv(project, "run", "--locked", "ruff", "check", ".")
    assert "no issues found" in run_uv(project, "run", "--locked", "mypy")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_passes_its_own_tests(variant: str, projects: Projects) -> None:
    project = projects(variant)
    output = run_uv(project, "run", "--locked", "pytest", "-q")
    passed = re.search(r"(\d+) passed", output)
    assert passed is not None
    assert int(passed.group(1)) >= 20
    assert git("status", "--porcelain", cwd=project) == ""


def test_the_sample_can_be_deleted(projects: Projects, folder: Path) -> None:
    project = folder / "without-sample"
    shutil.copytree(projects("defaults"), project, ignore=shutil.ignore_patterns(".venv", ".dev", "__pycache__", ".*_cache"), symlinks=True)
    shutil.rmtree(project / "src/app/products")
    shutil.rmtree(project / "tests/products")
    (project / "src/app/migrations/versions/0003_products.py").unlink()
    run_uv(project, "run", "--locked", "ruff", "check", ".")
    assert "no issues found" in run_uv(project, "run", "--locked", "mypy")
    assert " passed" in run_uv(project, "run", "--locked", "pytest", "-q")
