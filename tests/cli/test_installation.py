"""`sampan` outside a checkout: from a built wheel, which carries the template, and from a git URL."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.harness import GIT_ENVIRONMENT, ROOT, required

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal and without this checkout on the path."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")} | GIT_ENVIRONMENT
    arguments = [str(argument) for argument in command]
    return subprocess.run(arguments, cwd="/", env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def install(folder: Path, requirement: str | Path) -> Path:
    """Install into a new environment. Return its `sampan`."""
    uv = required("uv")
    for command in ((uv, "venv", "-q", folder), (uv, "pip", "install", "-q", "-p", folder, requirement)):
        done = run(*command)
        assert done.returncode == 0, done.stderr
    return folder / "bin/sampan"


def test_a_wheel_carries_the_template(tmp_path: Path) -> None:
    built = run(required("uv"), "build", "-q", "--wheel", "-o", tmp_path / "dist", ROOT)
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    sampan = install(tmp_path / "environment", wheel)
    assert run(sampan, "--help").returncode == 0
    assert run(sampan, "questions").stdout == (ROOT / "docs/questions.md").read_text(encoding="utf-8")
    shown = run(sampan, "new", tmp_path / "project", "--defaults", "--dry-run", "--json")
    document = json.loads(shown.stdout)
    assert document["version"] == "snapshot in sampan 0.1.0"
    assert len(document["files"]) > 500
    refused = run(sampan, "new", tmp_path / "project", "--defaults")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "add --template URL" in refused.stderr
    made = run(sampan, "new", tmp_path / "project", "--defaults", "--template", ROOT)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "project/pyproject.toml").is_file()


def test_an_installation_from_a_git_url_uses_that_repository_at_that_commit(tmp_path: Path) -> None:
    sampan = install(tmp_path / "environment", f"sampan @ git+file://{ROOT}")
    made = run(sampan, "new", tmp_path / "project", "--defaults")
    assert made.returncode == 0, made.stderr
    answers = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["_src_path"] == f"git+file://{ROOT}"
    assert (
        answers["_commit"]
        in subprocess.run(["git", "describe", "--tags", "--always"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    )
