"""docs/users-data.md is correct: its rows are complete, and its times equal those of the settings and of Terraform."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.composition import discover
from app.kit.configuration import Section

ROOT = Path(__file__).parents[1]
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """The cells of the retention table by store."""
    text = (ROOT / "docs/users-data.md").read_text(encoding="utf-8").partition("## Retention")[2]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {cells[0].strip("`"): cells for cells in lines[2:]}


def test_every_row_says_what_why_how_long_and_what_deletes_it(rows: dict[str, list[str]]) -> None:
    for store, cells in rows.items():
        assert len(cells) == 5, store
        assert all(cells), store
        (link,) = re.findall(r"\]\(([^)#]+)\)", cells[4])
        assert (ROOT / "docs" / link).exists(), store


def times(rows: dict[str, list[str]]) -> Iterator[tuple[str, str, int]]:
    """Names of settings with the time that the table states for them, seconds."""
    for store, cells in rows.items():
        for name, number, unit in re.findall(r"`(\w+)`: (\d+) (\w+)", cells[3]):
            yield store, name, int(number) * SECONDS[unit]


def test_times_are_the_settings_defaults(rows: dict[str, list[str]]) -> None:
    sections: list[type[Section]] = [feature.settings for feature in discover() if feature.settings]
    checked = 0
    for store, name, seconds in times(rows):
        if name.isupper():
            (section,) = [one for one in sections if name.lower() in one.model_fields]
            unit = SECONDS[name.rpartition("_")[2].lower()]
            assert section.model_fields[name.lower()].default * unit == seconds, (store, name)
            checked += 1
    assert checked >= 4


def test_times_are_terraforms(rows: dict[str, list[str]]) -> None:
    files = sorted((ROOT / "infra/environments").glob("*.service.tfvars"))
    found_in = re.compile(r"^(\w+)\s+= (\d+)$", re.M)
    values = {file.name.partition(".")[0]: dict(found_in.findall(file.read_text(encoding="utf-8"))) for file in files}
    assert values
    stated = {name: seconds for _, name, seconds in times(rows)}
    for environment, found in values.items():
        assert int(found["db_backup_days"]) * 86_400 == stated["db_backup_days"], environment
        logs = rows["CloudWatch: application log"][3]
        assert f"{found['log_retention_days']} days in {environment}" in logs
    cache = (ROOT / "infra/modules/cache/main.tf").read_text(encoding="utf-8")
    (days,) = re.findall(r"snapshot_retention_limit\s+= (\d+)", cache)
    assert rows["Redis: snapshots"][3] == f"{days} days"


def test_a_wrong_time_would_be_found() -> None:
    cells = {"x": ["x", "", "", "`AUDIT_RETENTION_DAYS`: 2 days, `SESSION_SECONDS`: 60 seconds", ""]}
    assert list(times(cells)) == [
        ("x", "AUDIT_RETENTION_DAYS", timedelta(days=2).total_seconds()),
        ("x", "SESSION_SECONDS", 60),
    ]
