"""The command line as a whole: help, exit codes, and one line for a mistake."""

import os
import subprocess
from pathlib import Path

import pytest

from sampan import cli
from tests.cli.conftest import COMMAND, ENVIRONMENT, Sampan

COMMANDS = sorted(str(command.name) for command in cli.app.registered_commands)


def test_the_help_names_every_command_and_the_exit_codes(sampan: Sampan) -> None:
    outcome = sampan()
    assert outcome.code == 0
    assert sampan("--help").out == outcome.out
    for command in COMMANDS:
        assert f" {command} " in outcome.out
    assert "Exit codes: 0 done; 1 there are findings" in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_fits_a_terminal(command: str, sampan: Sampan) -> None:
    outcome = sampan(command, "--help")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["udpate"], "No such command 'udpate'. Did you mean 'update'?"),
        (["new", "project", "--profil", "sandbox"], "No such option: --profil"),
        (["new"], "Missing argument 'DIR'."),
        (["new", "project", "--defaults", "-d", "spot"], "-d spot: write -d NAME=VALUE."),
        (["new", "project", "--defaults", "--answers", "none.yml"], "none.yml does not exist."),
        (["doctor", "--ignore", "tols"], "Unknown kind of findings 'tols'. Did you mean 'tool'?"),
    ],
)
def test_wrong_usage_is_one_line_and_exits_with_2(arguments: list[str], words: str, sampan: Sampan) -> None:
    outcome = sampan(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    [line] = outcome.err.splitlines()
    assert line.startswith(f"Error: {words}")


def test_a_machine_without_git_is_told_so(sampan: Sampan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = sampan("new", tmp_path / "project", "--defaults")
    assert (outcome.code, outcome.err) == (2, "Error: git is not installed, or not on PATH.\n")


@pytest.mark.parametrize(
    ("words", "found"), [("sampan prev", "preview"), ("sampan new shop --profile st", "startup"), ("sampan doctor --ignore dr", "drift")]
)
def test_the_shell_completes_commands_and_values(words: str, found: str) -> None:
    extra = {"_SAMPAN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    run = subprocess.run(COMMAND, env={**os.environ, **ENVIRONMENT, **extra}, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [found]
