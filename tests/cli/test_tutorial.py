"""docs/tutorial.md shows a recorded walk: its questions, sizes and costs are those of today."""

from pathlib import Path

from sampan import reference
from tests.cli.conftest import Sampan
from tests.harness import ROOT

ADVICE = "python -m tests.cli.record records the walk again"


def recorded() -> list[str]:
    """The lines of the recording."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    return text.split("<!-- recorded: python -m tests.cli.record -->\n```text\n")[1].split("\n```")[0].splitlines()


def test_the_recorded_questions_are_those_that_are_asked() -> None:
    asked = [details["help"] for name, details in reference.questions().items() if details.get("ask", True) and name != "platform_name"]
    assert [line.removeprefix("🎤 ") for line in recorded() if line.startswith("🎤 ")] == asked, ADVICE


def test_the_recorded_sizes_and_costs_are_those_of_today(sampan: Sampan, tmp_path: Path) -> None:
    shown = sampan("new", tmp_path / "shop", "--defaults", "--template", ROOT, "--ref", "HEAD", "--dry-run").err.splitlines()
    table = [line.rstrip() for line in shown[1:] if not line.startswith(str(tmp_path))]
    lines = recorded()
    assert lines[lines.index(table[0]) :][: len(table)] == table, ADVICE
