"""Commands that the documents name are there, and each says what it does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer

DOCUMENTS = ("deploy/README.md", "docs/first-deployment.md", "docs/delivery.md", "README.md")
# Tools of the development dependencies, and this project's own `app`.
OTHERS = {"alembic", "app", "copier", "mypy", "pytest", "ruff"}
JOIN = {"platform": "join", "off_hours_shutdown": "none", "spot": False}


def scripts(project: Path) -> dict[str, str]:
    """Name to module:function of the deploy package's commands."""
    found: dict[str, str] = tomllib.loads((project / "deploy/pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    return found


@pytest.mark.parametrize("answers", [{}, EVERYTHING, JOIN], ids=["startup", "everything", "join"])
def test_every_command_of_the_documents_is_a_script(render: Renderer, answers: dict[str, object]) -> None:
    project = render(answers)
    texts = [(project / name).read_text(encoding="utf-8") for name in DOCUMENTS]
    named = set(re.findall(r"uv run ([a-z][a-z-]*)", "\n".join(texts)))
    assert {"deploy", "database-roles", "rollback"} <= named
    assert not named - set(scripts(project)) - OTHERS


def test_every_script_says_what_it_does(render: Renderer) -> None:
    project = render(EVERYTHING)
    assert {"addons", "canary", "database-roles", "deploy", "rollback"} <= set(scripts(project))
    for name, target in scripts(project).items():
        module, _, function = target.partition(":")
        code = f"import sys; from {module} import {function} as main; sys.exit(main(['--help']))"
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=project,
            env={"PYTHONPATH": str(project / "deploy/src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{name}: {run.stderr}"
        assert f"usage: {name} " in run.stdout
        assert "--dry-run" in run.stdout or name == "canary-withdraw"
