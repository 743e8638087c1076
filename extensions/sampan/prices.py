"""Prices of the catalogue: read, refreshed from AWS's public price list, and their age.

AWS publishes the price list of each service and region as a CSV file, without credentials:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html. The one of EC2 has several hundred
megabytes, so files are read line by line.
"""

import csv
import io
import re
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import yaml

from sampan import root

PATH: Final = root.catalogue() / "prices.yaml"
BULK: Final = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{offer}/current/{region}/index.csv"
SOURCE: Final = "w"
"""Letter of prices that were read from AWS's price list."""
WIDTH: Final = 11

Open = Callable[[str, str], Iterable[str]]
"""Lines of the price list of an offer in a region."""


@dataclass(frozen=True)
class Rule:
    """Rows of a price list that hold the price of an item: the usage type without its region, and what other columns say."""

    offer: str
    usage: str
    where: Mapping[str, str] = field(default_factory=dict)

    def matches(self, row: Mapping[str, str]) -> bool:
        """Whether a row of the list is the item on demand, in the first tier of its use."""
        usage = row.get("usageType") or row.get("UsageType", "")
        return (
            row.get("TermType") == "OnDemand"
            and re.fullmatch(rf"([A-Za-z0-9-]+-)?{re.escape(self.usage)}", usage) is not None
            and float(row.get("StartingRange") or 0) == 0
            and all(row.get(column) == value for column, value in self.where.items())
            and Decimal(row["PricePerUnit"]) > 0
        )


EC2: Final = {"Operating System": "Linux", "Tenancy": "Shared", "Pre Installed S/W": "NA", "CapacityStatus": "Used"}
POSTGRESQL: Final = {"Database Engine": "PostgreSQL"}

FIXED: Final = {
    "rds.gp3": Rule("AmazonRDS", "RDS:GP3-Storage", POSTGRESQL),
    "rds.backup": Rule("AmazonRDS", "RDS:ChargedBackupUsage", POSTGRESQL),
    "alb.hour": Rule("AWSELB", "LoadBalancerUsage", {"operation": "LoadBalancing:Application"}),
    "alb.lcu": Rule("AWSELB", "LCUUsage", {"operation": "LoadBalancing:Application"}),
    "nat.hour": Rule("AmazonEC2", "NatGateway-Hours"),
    "nat.gb": Rule("AmazonEC2", "NatGateway-Bytes"),
    "ipv4.hour": Rule("AmazonVPC", "PublicIPv4:InUseAddress"),
    "endpoint.hour": Rule("AmazonVPC", "VpcEndpoint-Hours"),
    "egress.gb": Rule("AWSDataTransfer", "DataTransfer-Out-Bytes"),
    "zones.gb": Rule("AWSDataTransfer", "DataTransfer-Regional-Bytes"),
    "ebs.gp3": Rule("AmazonEC2", "EBS:VolumeUsage.gp3"),
    "s3.gb": Rule("AmazonS3", "TimedStorage-ByteHrs"),
    "ecr.gb": Rule("AmazonECR", "TimedStorage-ByteHrs"),
    "logs.gb": Rule("AmazonCloudWatch", "DataProcessing-Bytes", {"operation": "PutLogEvents"}),
    "logs.stored": Rule("AmazonCloudWatch", "TimedStorage-ByteHrs"),
    "metric.month": Rule("AmazonCloudWatch", "CW:MetricMonitorUsage"),
    "alarm.month": Rule("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "eks.hour": Rule("AmazonEKS", "AmazonEKS-Hours:perCluster"),
    "secret.month": Rule("AWSSecretsManager", "AWSSecretsManager-Secret"),
    "key.month": Rule("awskms", "KMS-Keys"),
    "waf.acl": Rule("awswaf", "WebACLV2"),
    "waf.rule": Rule("awswaf", "RuleV2"),
}


def rule(item: str) -> Rule | None:
    """Return the rule of an item; None for those that AWS's list does not price, such as shares."""
    if item.startswith("db."):
        return Rule("AmazonRDS", f"InstanceUsage:{item}", POSTGRESQL)
    if item.startswith("cache."):
        return Rule("AmazonElastiCache", f"NodeUsage:{item}", {"Cache Engine": "Redis"})
    if re.fullmatch(r"[a-z][0-9]\w*\.\d*(nano|micro|small|medium|large|xlarge)", item):
        return Rule("AmazonEC2", f"BoxUsage:{item}", EC2)
    return FIXED.get(item)


def table(path: Path = PATH) -> dict[str, str]:
    """Return the price table as it is written: items to cells, beside the settings at its top."""
    return {str(name): str(value) for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items()}


def items(known: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the cells of each item, in the order of the regions."""
    settings = {"checked", "stale_days", "hours", "regions"}
    return {name: cells.split() for name, cells in known.items() if name not in settings and not name.startswith("source.")}


def age(today: date, known: Mapping[str, str]) -> int:
    """Days since the prices were checked."""
    return (today - date.fromisoformat(known["checked"])).days


def stale(today: date, known: Mapping[str, str]) -> str:
    """Return the warning that the prices are old, or nothing."""
    days, most = age(today, known), int(known["stale_days"])
    return f"The prices are {days} days old, checked {known['checked']}: refresh them with `sampan prices`." if days > most else ""


def download(offer: str, region: str) -> Iterator[str]:
    """Yield the lines of AWS's current price list of an offer in a region."""
    with urllib.request.urlopen(BULK.format(offer=offer, region=region), timeout=60) as answer:  # noqa: S310  # BULK is https
        yield from io.TextIOWrapper(answer, encoding="utf-8", newline="")


def rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a price list, whose column names follow five lines of settings."""
    read = csv.reader(lines)
    header = next((cells for cells in read if cells and cells[0] == "SKU"), [])
    for cells in read:
        yield dict(zip(header, cells, strict=False))


def found(wanted: Iterable[str], region: str, lines_of: Open) -> dict[str, str]:
    """Return the prices of items in a region, each as short as it can be written; items that the lists lack are left out."""
    rules = {item: made for item in wanted if (made := rule(item))}
    prices: dict[str, str] = {}
    for offer in sorted({made.offer for made in rules.values()}):
        mine = {item: made for item, made in rules.items() if made.offer == offer}
        for row in rows(lines_of(offer, region)):
            for item, made in mine.items():
                if item not in prices and made.matches(row):
                    prices[item] = f"{Decimal(row['PricePerUnit']).normalize():f}"
    return prices


def add(region: str, name: str, path: Path = PATH) -> None:
    """Write a column of unknown prices for a region that the table lacks, the last one. `name` is that of the region."""
    cells = items(table(path))
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        item = line.partition(":")[0]
        if item in cells:
            lines.append(row_of(item, [*cells[item], "?"]))
        else:
            lines.append(f"{line} {region}" if item == "regions" else f"{line} {name}" if line.startswith("#  ") else line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def row_of(item: str, cells: Iterable[str]) -> str:
    """Return the line of an item in the table."""
    return (f"{item}:".ljust(19) + "".join(cell.ljust(WIDTH) for cell in cells)).rstrip()


def refresh(today: date, regions: Iterable[str], lines_of: Open = download, path: Path = PATH) -> int:
    """Write the prices of AWS's lists into the table, with today's date; the number of cells that are known now. Comments stay."""
    known = table(path)
    every = known["regions"].split()
    cells, written = items(known), 0
    for region in regions:
        for item, price in found(cells, region, lines_of).items():
            cells[item][every.index(region)] = f"{price}{SOURCE}"
            written += 1
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name = line.partition(":")[0]
        if name in cells and not line.startswith("#"):
            lines.append(row_of(name, cells[name]))
        elif name == f"source.{SOURCE}":
            lines.append(f"source.{SOURCE}: AWS public price list, by sampan prices, {today.isoformat()}")
        elif name == "checked" and written:
            lines.append(f'checked: "{today.isoformat()}"')
        else:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written
