"""Projects whose folders differ from a fresh one: an environment was removed, or several projects share a repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import GIT_ENVIRONMENT, Renderer, commit_all


def python(project: Path, code: str) -> str:
    """Run Python with the project's `ops` package. Return its standard output."""
    environment = {**os.environ, **GIT_ENVIRONMENT, "PYTHONPATH": str(project / "ops/src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def parts(render: Renderer, tmp_path: Path) -> Path:
    """The parts of a project that these tests read, in a subfolder of a repository."""
    project, copy = render(), tmp_path / "services/shop"
    for part in ("deploy/overlays", "ops"):
        shutil.copytree(project / part, copy / part)
    shutil.copy2(project / "project.env", copy)
    commit_all(tmp_path, "Start")
    return copy


def test_a_removed_environment_is_none_although_its_own_files_are_left(parts: Path) -> None:
    (parts / "deploy/overlays/dev/kustomization.yaml").unlink()
    assert (parts / "deploy/overlays/dev/settings.env").is_file()
    assert python(parts, "from ops import project; print(project.environments(project.find()))") == "['production']"


def test_a_rollback_finds_the_project_below_the_root_of_its_repository(parts: Path) -> None:
    code = """
from ops import project
from ops.git import checked_out
with checked_out(project.find(), "HEAD") as folder:
    print(project.facts(folder)["SERVICE"])
"""
    assert python(parts, code) == "fastapi-service"
