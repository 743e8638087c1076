"""docs/figures.md: the amounts beside the reference's figures follow from the price table."""

import pytest
import yaml

from tests.harness import ROOT

PAGE = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
TABLE = yaml.safe_load((ROOT / "extensions/catalogue/prices.yaml").read_text(encoding="utf-8"))
REGIONS = TABLE["regions"].split()
HOURS = TABLE["hours"]


def price(item: str, region: str = "ap-southeast-1") -> float:
    return float(TABLE[item].split()[REGIONS.index(region)].strip("~abcdefghijklmnopqrstuvwxyz"))


def shape(region: str) -> dict[str, float]:
    """Return the reference's shape: each item, a month."""
    return {
        "Control plane": price("eks.hour", region) * HOURS,
        "2 x t3.medium": 2 * price("t3.medium", region) * HOURS,
        "db.t3.micro": price("db.t3.micro", region) * HOURS + 20 * price("rds.gp3", region),
        "cache.t3.micro": price("cache.t3.micro", region) * HOURS,
        "Load balancer": price("alb.hour", region) * HOURS,
        "2 NAT gateways": 2 * price("nat.hour", region) * HOURS,
        "Public IPv4 addresses": 5 * price("ipv4.hour", region) * HOURS,
        "Disks of the nodes": 40 * price("ebs.gp3", region),
    }


@pytest.mark.parametrize("item", shape("us-east-1"))
def test_a_row_of_the_cost_table_follows_from_the_prices(item: str) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {item} |")]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[3:5] == [f"${shape(region)[item]:.2f}" for region in ("us-east-1", "ap-southeast-1")]


def test_the_totals_are_the_sums_of_the_rows() -> None:
    for region, total in (("us-east-1", "$265.16"), ("ap-southeast-1", "$318.53")):
        assert f"${sum(shape(region).values()):.2f}" == total
        assert f"**{total}**" in PAGE
    standby = price("db.t3.micro") * HOURS + 20 * price("rds.gp3") + price("cache.t3.micro") * HOURS
    assert f"**${sum(shape('ap-southeast-1').values()) + standby:.2f}**" in PAGE


def test_the_savings_follow_from_the_prices() -> None:
    nodes_and_database = 2 * price("t3.medium") * HOURS + price("db.t3.micro") * HOURS
    expected = [
        f"${223 - 60 * 0.7 - 15 * 0.3 - 12 * 0.3 - 45 * 0.5:.2f}: 223 less",
        f"${2 * 0.0217 * HOURS:.2f} for two t3.medium",
        f"${price('db.t3.micro') * HOURS * 0.7:.2f} and ${price('cache.t3.micro') * HOURS * 0.7:.2f}",
        f"${price('nat.hour') * HOURS:.2f} in Singapore",
        f"db.t4g.micro, ${price('db.t4g.micro') * HOURS:.2f}",
        f"cache.t4g.micro, ${price('cache.t4g.micro') * price('valkey.share') * HOURS:.2f}",
        f"${2 * price('t3.small') * HOURS:.2f} for two",
        *(f"${nodes_and_database * 12 * hours / 168:.0f} " for hours in (48, 60, 108)),
        f"costs ${2 * (price('db.t3.micro') * HOURS + 20 * price('rds.gp3')):.2f} in Singapore",
        f"adds ${price('alb.lcu') * HOURS:.2f}",
    ]
    assert [words for words in expected if words not in PAGE] == []


def test_the_premiums_follow_from_the_prices() -> None:
    def premium(item: str) -> str:
        return f"+{price(item) / price(item, 'us-east-1') - 1:.0%}".replace("%", " %")

    assert (premium("t3.medium"), premium("m7g.large")) == ("+27 %", "+25 %")
    assert f"t3 {premium('t3.medium')}, m7g {premium('m7g.large')}" in PAGE
    assert f"RDS t classes {premium('db.t3.small')}, ElastiCache {premium('cache.t4g.micro')}, NAT {premium('nat.hour')}" in PAGE
    assert f"EBS and RDS gp3 {premium('ebs.gp3')}, S3 {premium('s3.gb')}" in PAGE
    assert premium("rds.gp3") == premium("ebs.gp3")
