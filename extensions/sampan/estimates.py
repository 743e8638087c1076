"""Estimated cost of a set of answers: the template's own computed value `costs`, rendered by Copier from a template of one file."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import copier

from sampan import answers, reference, rendering, root
from sampan.errors import UserError, suggestion
from sampan.questionnaire import Questionnaire

ANSWERS_FILE: Final = ".copier-answers.yml"
LEVELS: Final = ("low", "high")
SAVINGS: Final = {
    "spot": ("Spot nodes beyond the base", "the base of on-demand nodes", "copier update -d spot=true"),
    "single-nat": ("One NAT gateway", "its traffic; its zone becomes everybody's way out", "copier update -d nat_gateways=1"),
    "weekends": ("Nodes and database off at weekends", "control plane, NAT, cache", "copier update -d off_hours_shutdown=weekends"),
    "nights-and-weekends": (
        "The same, and at night",
        "control plane, NAT, cache",
        "copier update -d off_hours_shutdown=nights-and-weekends",
    ),
    "reserved-database": (
        "Database reserved for a year",
        "its storage and backups",
        "aws rds purchase-reserved-db-instances-offering",
    ),
    "reserved-cache": ("Cache reserved for a year", "all else", "aws elasticache purchase-reserved-cache-nodes-offering"),
    "savings-plan": ("Savings plan for the base nodes, a year", "nodes beyond, disks", "aws savingsplans create-savings-plan"),
}
"""Name of each saving, the costs that it does not affect, and the answer or command for it."""


@dataclass(frozen=True)
class Saving:
    """A measure and the amount that it saves a month, all environments together."""

    key: str
    title: str
    untouched: str
    how: str
    low: float
    high: float
    chosen: bool
    """Whether the saving is already on."""

    @property
    def answer(self) -> tuple[str, str] | None:
        """Question and answer for the saving; None if it is bought from AWS."""
        _, found, pair = self.how.partition("-d ")
        name, _, value = pair.partition("=")
        return (name, value) if found else None


def usd(amount: float) -> str:
    """Return an amount in whole dollars, or in cents below one."""
    return f"{amount:,.2f}" if 0 < amount < 1 else f"{amount:,.0f}"


@dataclass(frozen=True)
class Estimate:
    """The estimate of one set of answers, under the name that the user gave it."""

    name: str
    costs: Mapping[str, Any]

    @property
    def region(self) -> str:
        """AWS region of the first environment."""
        return str(self.costs["region"])

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """Estimate of each environment by name."""
        return dict(self.costs["environments"])

    def parts(self) -> dict[str, dict[str, Any]]:
        """Environments, and the account's own lines."""
        return {**self.environments, "account": self.costs["account"]}

    def groups(self) -> list[str]:
        """Names of the groups of lines, in the order of their first lines."""
        return list(dict.fromkeys(line["group"] for part in self.parts().values() for line in part["lines"]))

    def savings(self) -> list[Saving]:
        """The savings of all environments, without those that would save nothing, except those that are already on."""
        sums: dict[str, tuple[float, float, bool]] = {}
        for part in self.environments.values():
            for saving in part["savings"]:
                low, high, chosen = sums.get(saving["key"], (0.0, 0.0, False))
                sums[saving["key"]] = (low + saving["low"], high + saving["high"], chosen or saving["chosen"])
        return [Saving(key, *SAVINGS[key], low, high, chosen) for key, (low, high, chosen) in sums.items() if low or high or chosen]

    def sum_of(self, group: str, level: str, parts: Iterable[str] | None = None) -> float:
        """Sum of a group's lines at one load, over the parts that are named or all of them."""
        every = self.parts()
        return round(sum(float(line[level]) for name in parts or every for line in every[name]["lines"] if line["group"] == group), 2)


def data_of(source: str) -> dict[str, Any]:
    """Return the answers of a source: an answers file, a project's folder, a profile or a region.

    Raises `UserError` for any other name.
    """
    regions = regions_of()
    path = Path(source)
    if source in root.profiles():
        return {"profile": source, **({"domain": "api.example.com"} if source in {"production", "regulated"} else {})}
    if source in regions:
        return {"aws_region": source}
    if path.is_dir():
        path /= ANSWERS_FILE
    if not path.exists():
        message = f"{source} is not an answers file, a project, a profile or a region.{suggestion(source, [*root.profiles(), *regions])}"
        raise UserError(message)
    found = answers.questions_of(answers.read(path))
    answers.check_names(found, reference.questions())
    return found


def here() -> str:
    """Return the project of this folder, or the default profile where there is none."""
    return "." if Path(ANSWERS_FILE).exists() else "startup"


def compared(first: str, second: str) -> dict[str, dict[str, Any]]:
    """Return the answers of two sources. A region uses the answers of the other source."""
    found = {name: data_of(name) for name in (first, second)}
    for region, other in ((first, second), (second, first)):
        if region in regions_of() and other not in regions_of():
            found[region] = {**found[other], "aws_region": region}
    return found


def regions_of() -> list[str]:
    """Return the regions of the catalogue."""
    return str(answers.read(root.catalogue() / "regions.yaml")["names"]).split()


def estimate(name: str, data: Mapping[str, Any]) -> Estimate:
    """Estimate a set of answers. Raises `UserError` with the questionnaire's own line when they are refused."""
    with TemporaryDirectory(prefix="sampan-cost-") as folder:
        template, target = Path(folder) / "template", Path(folder) / "project"
        shutil.copytree(root.root() / "extensions", template / "extensions", ignore=shutil.ignore_patterns("__pycache__", "sampan"))
        shutil.copy2(root.root() / "copier.yml", template)
        (template / "template").mkdir()
        (template / "template/costs.json.jinja").write_text("{= costs | to_json =}\n", encoding="utf-8")
        try:
            with rendering.one_line():
                copier.run_copy(str(template), target, data=dict(data), defaults=True, quiet=True)
        except UserError as error:
            raise UserError(_refusal(data) or error.message) from None
        return Estimate(name, json.loads((target / "costs.json").read_text(encoding="utf-8")))


def _refusal(data: Mapping[str, Any]) -> str:
    """Return the line of `sampan lint` about the first wrong answer: it names one of the choices, where Copier lists all of them."""
    with Questionnaire() as questionnaire:
        return next((f"{finding.question}: {finding.message}" for finding in questionnaire.check(data).findings), "")
