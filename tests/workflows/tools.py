"""Linters, run as a person runs them."""

import subprocess
from pathlib import Path

from tests.harness import required


def lint(tool: str, *arguments: str | Path, cwd: Path) -> None:
    """Run a linter, and fail with what it says."""
    run = subprocess.run([required(tool), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{tool}: {run.stdout}{run.stderr}"
