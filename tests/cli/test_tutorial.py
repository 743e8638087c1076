"""docs/tutorial.md shows a recorded walk: its questions, sizes and costs are current."""

import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest

from sampan import reference
from tests.cli.conftest import Sampan
from tests.harness import GIT_ENVIRONMENT, ROOT, git, required

ADVICE = "python -m tests.cli.record records the walk again"


def recorded() -> list[str]:
    """The lines of the recording."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    return text.split("<!-- recorded: python -m tests.cli.record -->\n```text\n")[1].split("\n```")[0].splitlines()


def test_the_recorded_questions_are_those_that_are_asked() -> None:
    asked = [details["help"] for name, details in reference.questions().items() if details.get("ask", True) and name != "platform_name"]
    assert [line.removeprefix("🎤 ") for line in recorded() if line.startswith("🎤 ")] == asked, ADVICE


def test_the_picture_stretches_no_text() -> None:
    """A text that is edited by hand keeps the width of the old one, and its letters spread."""
    texts = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', (ROOT / "docs/images/sampan-new.svg").read_text(encoding="utf-8"))
    shown = [(float(width), unescape(text)) for width, text in texts if "\N{MICROPHONE}" not in text]
    assert len(shown) > 30
    assert [text for width, text in shown if round(width / 12.2) != len(text)] == []


def test_the_recorded_sizes_and_costs_are_those_of_today(sampan: Sampan, tmp_path: Path) -> None:
    shown = sampan("new", tmp_path / "shop", "--defaults", "--template", ROOT, "--ref", "HEAD", "--dry-run").err.splitlines()
    table = [line.rstrip() for line in shown[1:] if not line.startswith(str(tmp_path))]
    lines = recorded()
    assert lines[lines.index(table[0]) :][: len(table)] == table, ADVICE


@pytest.mark.slow
def test_the_first_commands_write_a_project(tmp_path: Path) -> None:
    """Run the page's commands unchanged, except for the questions, in a clone and without this machine's installation of sampan."""
    found = re.search(r"```sh\n(.*?)```", (ROOT / "docs/tutorial.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    clone = tmp_path / "sampan"
    git("clone", "-q", str(ROOT), str(clone), cwd=tmp_path)
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    tools = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    path = os.pathsep.join([str(tmp_path / "bin"), str(Path(required("uv")).parent), os.environ["PATH"]])
    script = found[1].replace("sampan new shop", "sampan new shop --defaults --yes")
    environment = {**kept, **GIT_ENVIRONMENT, **tools, "PATH": path}
    run = subprocess.run(["sh", "-ec", script], cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "shop/pyproject.toml").is_file()
