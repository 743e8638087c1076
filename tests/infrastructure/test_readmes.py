"""The README of each root names what goes in and what comes out, in the words of the code."""

from pathlib import Path

import hcl2
import pytest

from tests.harness import Renderer
from tests.infrastructure.variants import EVERYTHING, VARIANTS

ROOTS = ["bootstrap", "platform", "service"]


def described(files: list[Path], kind: str) -> dict[str, str]:
    """Description of every variable or output of the files, by name."""
    assert files
    found = [hcl2.loads(path.read_text(encoding="utf-8")).get(kind, []) for path in files]
    return {name.strip('"'): body["description"].strip('"') for blocks in found for block in blocks for name, body in block.items()}


def rows(readme: Path, title: str) -> dict[str, str]:
    """The table below a heading: first column, without its backticks, to the second."""
    section = readme.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): text for name, text in cells}


@pytest.mark.parametrize("root", ROOTS)
def test_it_lists_variables_and_outputs(root: str, render: Renderer) -> None:
    folder = render(VARIANTS[EVERYTHING]) / "infra" / root
    assert rows(folder / "README.md", "Variables") == described(sorted(folder.glob("variables*.tf")), "variable")
    assert rows(folder / "README.md", "Outputs") == described([folder / "outputs.tf"], "output")


@pytest.mark.parametrize("root", ["platform", "service"])
def test_variables_of_an_option_are_explained_where_they_are_answered(root: str, render: Renderer) -> None:
    """A README is the same in every project, so an option's variables are only in its own files."""
    infra = render(VARIANTS[EVERYTHING]) / "infra"
    options = described(sorted(set((infra / root).glob("*.tf")) - set((infra / root).glob("variables*.tf"))), "variable")
    assert options
    answers = "".join(path.read_text(encoding="utf-8") for path in infra.glob(f"environments/production.{root}.*.tfvars"))
    assert not [name for name in options if f"\n{name} " not in answers]
