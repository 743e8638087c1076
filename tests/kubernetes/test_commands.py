"""Commands that the documents name are there, and each explains itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer

# Tools from the development dependencies, and the project's own `app`.
OTHERS = {"alembic", "app", "copier", "mypy", "pytest", "ruff"}
JOIN = {"platform": "join", "off_hours_shutdown": "none", "spot": False}
# The words of a command line before the first argument or option.
COMMAND = re.compile(r"uv run ops((?: [a-z][a-z-]+)*)")

ALONE = {"TERM": "dumb", "COLUMNS": "120", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"}
"""The environment of a command, without the credentials and the bytecode of this machine."""


def ops(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `ops` of a project."""
    command = [sys.executable, "-m", "ops", *arguments]
    environment = {**ALONE, "PYTHONPATH": str(project / "ops/src")}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["alarms"], ["query", "failed-requests"], ["status"]], ids=lambda words: words[0])
def test_what_a_newcomer_on_call_gets_wrong_is_one_line_with_the_remedy(
    command: list[str], render: Renderer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment that is spelt otherwise, and a shell that is not logged in."""
    monkeypatch.setitem(ALONE, "HOME", str(tmp_path))
    project = render({})
    name, *rest = command
    for environment, told in {
        "prod": "there is no environment prod; there is dev, production\n",
        "production": "AWS does not know who you are, log in to the account of production: Unable to locate credentials\n",
    }.items():
        run = ops(project, name, environment, *rest)
        assert (run.returncode, run.stderr) == (1, told)


def documents(project: Path) -> list[Path]:
    """Every document and every other file that mentions a command."""
    suffixes = {".md", ".yml", ".yaml", ".sh", ".tf"}
    return [path for path in sorted(project.rglob("*")) if path.is_file() and path.suffix in suffixes]


@pytest.mark.parametrize("answers", [{}, EVERYTHING, JOIN], ids=["startup", "everything", "join"])
def test_every_command_of_the_documents_is_there(render: Renderer, answers: dict[str, object]) -> None:
    project = render(answers)
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents(project))
    assert not set(re.findall(r"uv run ([a-z][a-z-]*)", text)) - OTHERS - {"ops"}
    environments = {path.name for path in (project / "deploy/overlays").iterdir()} | {"bootstrap"}
    named = {words.split()[0] for words in COMMAND.findall(text) if words.strip()}
    assert {"deploy", "database-roles", "rollback", "plan", "apply", "drill", "destroy"} <= named
    for command in sorted(named - environments):
        assert ops(project, command, "--help").returncode == 0, command


@pytest.mark.parametrize("answers", [EVERYTHING, JOIN], ids=["everything", "join"])
def test_every_command_explains_itself(render: Renderer, answers: dict[str, object]) -> None:
    project = render(answers)
    overview = ops(project, "--help").stdout
    assert "Exit status" in overview
    modules = {path.stem for path in (project / "ops/src/ops/commands").glob("[a-z]*.py")}
    assert ("addons" in modules) is (answers is EVERYTHING)
    for command in sorted(modules - {"infrastructure"}):
        assert f" {command} " in overview
    for words in ("deploy", "rollback", "restart", "database-roles", "plan", "apply", "drill failover", "drill restore", "destroy"):
        run = ops(project, *words.split(), "--help")
        assert run.returncode == 0, run.stderr
        assert "ENVIRONMENT" in run.stdout
        # A sentence that precedes the table of options.
        assert re.search(r"^ [A-Z][^│]{20,}", run.stdout, re.MULTILINE)


def test_wrong_usage_ends_with_2_and_no_traceback(render: Renderer) -> None:
    project = render({})
    for arguments in (["deploy"], ["nothing"], ["deploy", "dev", "--image-api", "x"], ["terraform", "dev"]):
        run = ops(project, *arguments)
        assert run.returncode == 2, arguments
        assert "Traceback" not in run.stderr
