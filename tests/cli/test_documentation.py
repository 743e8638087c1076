"""docs/cli.md names the options that the commands have, and none that they have not."""

import re

import pytest

from tests.cli.conftest import Sampan
from tests.harness import ROOT

PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `sampan ([\w ]+)`\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
SHARED = {"--to", "--data", "--template", "--answers-file", "--all", "--json"}
"""Options of `update` that the page describes with `preview`."""


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]+", text))


def test_the_page_has_a_section_for_each_command_of_a_project() -> None:
    assert {"new", "preview", "update", "doctor"} <= set(SECTIONS)


@pytest.mark.parametrize("command", sorted(SECTIONS))
def test_a_section_has_the_options_of_its_command(command: str, sampan: Sampan) -> None:
    rows = "".join(re.findall(r"^\| `-.*?\|", SECTIONS[command], re.MULTILINE))
    printed = "".join(re.findall(r"^│ (--[a-z-]+)", sampan(*command.split(), "--help").out, re.MULTILINE))
    here = {"update": SHARED}.get(command, set())
    assert options(rows) | here == options(printed.replace("--", " --")) - {"--help"}


@pytest.mark.parametrize(("command", "line"), re.findall(r"\$ (sampan new shop --defaults -d .+)\n(Error: .+)", PAGE))
def test_an_error_reads_as_the_page_shows_it(command: str, line: str, sampan: Sampan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert sampan(*command.split()[1:]).err == f"{line}\n"
