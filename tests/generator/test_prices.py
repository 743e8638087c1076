"""`sampan prices`: the real format of AWS's price lists, read from a small sample of them that was written by hand."""

import csv
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
import yaml

from sampan import cli, prices
from tests.harness import ROOT

LISTS = Path(__file__).parent / "price_lists"
TODAY = date(2027, 1, 15)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return Path(shutil.copy2(ROOT / "extensions/catalogue/prices.yaml", tmp_path / "prices.yaml"))


def lines_of(offer: str, region: str) -> Iterable[str]:
    """Return the sample of an offer; the samples are of Singapore, and of three offers."""
    path = LISTS / f"{offer}.csv"
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if region == "ap-southeast-1" and path.exists() else []


@pytest.mark.parametrize("path", sorted(LISTS.glob("*.csv")), ids=lambda path: path.stem)
def test_a_sample_has_the_format_that_aws_documents(path: Path) -> None:
    """Five rows about the file, then the columns' names: docs.aws.amazon.com, "Reading the service price list file for an AWS service"."""
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert [name for name, _ in lines[:5]] == ["FormatVersion", "Disclaimer", "Publication Date", "Version", "OfferCode"]
    assert lines[4][1] == path.stem
    assert lines[5][:4] == ["SKU", "OfferTermCode", "RateCode", "TermType"]
    assert {len(line) for line in lines[5:]} == {len(lines[5])}
    assert all(line[2].startswith(f"{line[0]}.{line[1]}.") for line in lines[6:])


def test_a_refresh_reads_on_demand_prices_and_keeps_the_rest(table: Path) -> None:
    before = prices.items(prices.table(table))
    written = prices.refresh(TODAY, ["ap-southeast-1"], lines_of, table)
    after = prices.items(prices.table(table))
    changed = {
        "db.t3.micro": "0.029w",  # of PostgreSQL, in a single zone
        "db.m7g.large": "0.211w",  # on demand, though the reserved price is listed first
        "rds.gp3": "0.138w",
        "m6i.large": "0.121w",  # Linux, shared, used
        "nat.hour": "0.059w",
        "nat.gb": "0.059w",
        "egress.gb": "0.12w",  # the first tier, though another is listed first
    }
    assert {name: cells[0] for name, cells in after.items() if cells[0] != before[name][0]} == changed
    assert {name: cells[1:] for name, cells in after.items()} == {name: cells[1:] for name, cells in before.items()}
    assert written == len(changed)


def test_a_refresh_dates_the_table_and_keeps_its_comments(table: Path) -> None:
    before = table.read_text(encoding="utf-8").splitlines()
    prices.refresh(TODAY, ["ap-southeast-1"], lines_of, table)
    after = table.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line.startswith("#")] == [line for line in before if line.startswith("#")]
    assert len(after) == len(before)
    known = prices.table(table)
    assert known["checked"] == "2027-01-15"
    assert known["source.w"].endswith("2027-01-15")
    assert yaml.safe_load(table.read_text(encoding="utf-8"))


def test_lists_without_a_known_price_leave_the_table_as_it_was(table: Path) -> None:
    before = table.read_bytes()
    assert prices.refresh(date(2026, 11, 28), ["us-east-1"], lines_of, table) == 0
    assert prices.table(table)["checked"] == "2026-11-28"
    assert [line for line in table.read_bytes().splitlines() if b"source.w" not in line] == [
        line for line in before.splitlines() if b"source.w" not in line
    ]


def test_a_new_region_gets_a_column_of_unknown_prices_and_then_those_of_its_list(table: Path) -> None:
    before = prices.items(prices.table(table))
    prices.add("eu-west-9", "Nowhere", table)
    assert prices.table(table)["regions"].split()[-1] == "eu-west-9"
    assert prices.items(prices.table(table)) == {name: [*cells, "?"] for name, cells in before.items()}
    assert [line for line in table.read_text(encoding="utf-8").splitlines() if line.endswith(" Nowhere")] != []
    assert prices.refresh(TODAY, ["eu-west-9"], lambda offer, _region: lines_of(offer, "ap-southeast-1"), table) == 7
    assert prices.items(prices.table(table))["m6i.large"] == [*before["m6i.large"], "0.121w"]


def test_every_item_but_shares_and_what_aws_lists_nowhere_has_a_rule() -> None:
    without = {name for name in prices.items(prices.table()) if prices.rule(name) is None}
    assert without == {
        "spot.share", "valkey.share",  # ratios
        "regions.gb", "insights.million", "traces.million", "logs.scanned",
        "composite.month", "dashboard.month", "waf.million", "zone.month", "mail.thousand",  # of several rows, or global
    }  # fmt: skip


def test_old_prices_are_reported_after_ninety_days() -> None:
    known = prices.table()
    checked = date.fromisoformat(known["checked"])
    assert prices.stale(checked, known) == ""
    assert prices.stale(date.fromordinal(checked.toordinal() + 90), known) == ""
    assert "91 days old" in prices.stale(date.fromordinal(checked.toordinal() + 91), known)


def test_an_unknown_region_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["prices", "--region", "ap-southeast-11"]) == 2
    assert "Did you mean 'ap-southeast-1'?" in capsys.readouterr().err
