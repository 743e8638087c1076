"""The documents on security name tests that exist, and requirements once each."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "docs/security.md", ROOT / "docs/asvs.md"]
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = set(_TEST.findall(document.read_text(encoding="utf-8")))
    assert len(named) > 25
    missing = [f"{file}::{test}" for file, test in named if _is_part(file) and not _defines(ROOT / file, test)]
    assert missing == []


def test_every_requirement_has_one_row_and_an_answer() -> None:
    rows = re.findall(
        r"^\| (\d+\.\d+\.\d+) \| ([12]) \| .+? \| (\S+) \| (.+) \|$", DOCUMENTS[1].read_text("utf-8"), re.M
    )
    assert len(rows) == len({requirement for requirement, *_ in rows}) == 253
    assert {met for _, _, met, _ in rows} == {"yes", "partly", "no", "n/a"}
    assert all(len(where) > 3 for *_, where in rows)


def _is_part(file: str) -> bool:
    """Whether the project has what a test is about: one without users of its own has no tests of accounts."""
    folder = file.split("/")[1]
    return folder not in ("accounts", "audit") or (ROOT / "src/app" / folder).exists()


def _defines(file: Path, test: str) -> bool:
    return file.exists() and re.search(rf"^(async )?def {test}\(", file.read_text(encoding="utf-8"), re.M) is not None
