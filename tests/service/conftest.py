"""Rendered projects with their own environment, as a developer has them after the first `uv` command."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.generator.test_removal import EVERYTHING
from tests.harness import GIT_ENVIRONMENT, Renderer, commit_all, required

VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "remote accounts": {"accounts": "remote", "languages": ["en", "id", "th"]},
    "nothing": {"accounts": "remote", "sample": False},
    "no sample": {"sample": False, "tracing": True},
}

Run = Callable[..., str]

NOT_A_PERSONS = {"VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
"""Variables of the process that runs the tests. Images of CI systems set the last."""


def uv_environment() -> dict[str, str]:
    """The environment of a person who has uv and this Python, and is in no virtual environment."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_A_PERSONS}
    return {
        **kept,
        **GIT_ENVIRONMENT,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "PYTEST_DEBUG_TEMPROOT": temporary_root().name,
        # Bytecode is kept, outside the projects. Without it every process of a nested run compiles 1,200 modules: 4 s of CPU.
        "PYTHONPYCACHEPREFIX": f"{temporary_root().name}/bytecode",
        # One cache for all variants that this process checks: mypy compares contents, and most files are the same in each.
        "MYPY_CACHE_DIR": f"{temporary_root().name}/mypy",
    }


@cache
def temporary_root() -> "tempfile.TemporaryDirectory[str]":
    """The folder in which nested runs of pytest have theirs.

    Each run closes the folder of its user to others, the user of an embedded PostgreSQL included, so runs side by side must not share it.
    """
    return tempfile.TemporaryDirectory(prefix="sampan-pytest-", ignore_cleanup_errors=True)


def run_uv(project: Path, *arguments: str, timeout: float = 900) -> str:
    """`uv …` in a project; its output. Fails the test with that output when the command fails."""
    uv = required("uv")
    run = subprocess.run(
        [uv, *arguments],
        cwd=project,
        env=uv_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        pytest.fail(f"uv {' '.join(arguments)} ended with {run.returncode}\n{run.stdout[-6000:]}\n{run.stderr[-3000:]}")
    return run.stdout + run.stderr


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder outside pytest's own, whose mode every nested run of pytest narrows under the embedded PostgreSQL's user."""
    with tempfile.TemporaryDirectory(prefix="sampan-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def projects(render: Renderer, folder: Path) -> Callable[[str], Path]:
    """`projects(variant)`: a rendered project of one of VARIANTS, in git and locked; one folder a variant for the whole session."""
    made: dict[str, Path] = {}

    def project(variant: str) -> Path:
        if variant not in made:
            made[variant] = render.workspace(folder / variant.replace(" ", "-"), VARIANTS[variant])
            run_uv(made[variant], "lock", "--quiet")
            commit_all(made[variant], "Start")
            run_uv(made[variant], "sync", "--quiet", "--locked")
        return made[variant]

    return project
