"""The figures of the page are those of `sampan cost`, docs/cost.md and docs/capacity.md.

Five rows of the matrix are tested by default, the others with `-m slow`.
"""

import json
import re
from pathlib import Path
from typing import Any

import copier
import pytest
from starlette.testclient import TestClient

from sampan import matrix
from sampan.estimates import Estimate, usd
from sampan.web import links
from tests.harness import copy_questionnaire, fast_copier
from tests.web.pages import part, query, tables, text_of

ROWS = matrix.rows()
SOME = [pytest.param(row, marks=() if number % 6 == 0 else pytest.mark.slow, id=matrix.identifier(row)) for number, row in enumerate(ROWS)]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a template of the documents with figures, and of the value that `sampan cost` reads."""
    template = copy_questionnaire(tmp_path_factory.mktemp("faces"), "docs/cost.md.jinja", "docs/capacity.md.jinja")
    (template / "template/costs.json.jinja").write_text("{= costs | to_json =}\n", encoding="utf-8")
    return template


def section(document: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading of a Markdown document, without its head."""
    lines = document.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


@pytest.mark.parametrize("row", SOME)
def test_page_document_and_command_agree(row: dict[str, str], client: TestClient, faces: Path, tmp_path: Path) -> None:
    answers = matrix.answers(row)
    with fast_copier():
        copier.run_copy(str(faces), tmp_path / "p", data=answers, defaults=True, quiet=True)
    page = client.get(query(**{name: links.text(answer) for name, answer in answers.items()}), follow_redirects=True).text
    assert "problems-title" not in page
    estimate = Estimate("row", json.loads((tmp_path / "p/costs.json").read_text(encoding="utf-8")))
    check_cost(page, estimate, (tmp_path / "p/docs/cost.md").read_text(encoding="utf-8"))
    check_capacity(page, estimate, (tmp_path / "p/docs/capacity.md").read_text(encoding="utf-8"))


def check_cost(page: str, estimate: Estimate, document: str) -> None:
    prefix = "at least " if estimate.costs["missing"] else ""
    together = [f"{prefix}${estimate.costs[level]:,.0f}" for level in ("low", "high")]
    shown = part(page, "part-cost")
    assert text_of(part(page, "cost-total")) == f"{together[0]} to ${estimate.costs['high']:,.0f}"
    assert f"**{together[0]}**" in document
    assert f"**{together[1]}**" in document
    for name, made in estimate.environments.items():
        [line] = [line for line in document.splitlines() if line.startswith(f"| {name} |")][:1]
        amounts = re.findall(r"(?:at least )?\$[\d,]+", line)[:2]
        bars = re.search(rf"<h3>{name}</h3>(.*?)</div>", shown, re.DOTALL)
        assert bars
        assert re.findall(r"<b>(.*?)</b>", bars[1]) == amounts
        assert [f"{made['requests'][level]:g} request" in bars[1] for level in ("low", "high")] == [True, True]
    groups = {cells[0].split(" ", 1)[1]: cells[1:] for cells in tables(shown) if re.match(r"[A-J] ", cells[0])}
    assert groups == {group: [usd(estimate.sum_of(group, level)) for level in ("low", "high")] for group in estimate.groups()}


def check_capacity(page: str, estimate: Estimate, document: str) -> None:
    nodes = section(document, "Nodes") if "fewest replicas" in document else []
    connections = {cells[0]: cells for cells in section(document, "Connections to PostgreSQL")}
    for number, name in enumerate(estimate.environments):
        shown = meters(part(page, f"capacity-{name}"))
        _, _, _, usable, processes, pool = connections[name]
        assert shown["Connections"] == (int(pool) * int(processes), int(usable))
        if nodes:
            needed, fits = (cells[3:] for cells in nodes[4 * number + 2 : 4 * number + 4])
            assert [shown[kind] for kind in ("Pods", "CPU", "Memory")] == list(zip(map(int, needed), map(int, fits), strict=True))
    if not nodes:
        asked = meters(part(page, f"capacity-{list(estimate.environments)[-1]}"))
        said = re.search(r"with the maximum, in \w+, (\d+) pods, (\d+) m and (\d+) MiB", document)
        assert said
        assert [asked[kind] for kind in ("Pods", "CPU", "Memory")] == [(int(number),) for number in said.groups()]


def meters(fragment: str) -> dict[str, tuple[int, ...]]:
    """The numbers of each meter: needed and there, or asked for."""
    found: dict[str, Any] = {}
    for label, figures in re.findall(r"<dt>(\w+)</dt><dd>(.*?)</dd>", fragment):
        found[label] = tuple(int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", figures))
    return found
