"""The check of the pages itself: it finds a claim without a link and a link that leads nowhere."""

from pathlib import Path

import pytest

from tests.generator import pages

PAGE = "# Region\n\n| Data | Shown by |\n|---|---|\n| users | {} |\n\n## Measure it\n"


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("[code](../main.tf)", ""),
        ("[below](#measure-it)", ""),
        ("[AWS](https://docs.aws.amazon.com/x)", ""),
        ("nothing", "no link in | users | nothing |"),
        ("[code](../other.tf)", "../other.tf does not exist"),
        ("[below](#elsewhere)", "no heading #elsewhere"),
        ("[there](recovery.md#measure-it)", ""),
        ("[there](recovery.md#elsewhere)", "no heading recovery.md#elsewhere"),
        ("[there](recovery.md), `tests/test_it.py::test_it`", ""),
        ("[there](recovery.md), `tests/test_it.py`", ""),
        ("[there](recovery.md), `tests/test_it.py::test_that`", "no test tests/test_it.py::test_that"),
        ("[there](recovery.md), `tests/test_that.py`", "no test tests/test_that.py"),
        ("[a blog](https://blog.example.com/)", "is not a known source"),
    ],
)
def test_a_claim_needs_a_link_that_leads_somewhere(cell: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "main.tf").touch()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text("def test_it() -> None: ...\n", encoding="utf-8")
    for name in pages.PAGES:
        (tmp_path / "docs" / name).write_text(PAGE.format(cell if name == "region.md" else "[code](../main.tf)"), encoding="utf-8")
    found = list(pages.problems(tmp_path))
    assert len(found) == bool(problem)
    assert all(problem in one for one in found)


def test_each_table_has_its_row_in_the_retention_table(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/users-data.md").write_text("## Retention\n\n| `orders` | names |\n| `parcels` | names |\n", encoding="utf-8")
    models = tmp_path / "src/app/orders/models.py"
    models.parent.mkdir(parents=True)
    models.write_text('class Order:\n    __tablename__ = "orders"\n\n\nclass Item:\n    __tablename__ = "items"\n', encoding="utf-8")
    assert pages.tables_without_retention(tmp_path) == ["items", "parcels"]
