"""The places of a new region and of a new option, as CONTRIBUTING.md lists them: a test names each that was forgotten."""

import re
from functools import cache
from typing import Any

import pytest
import yaml

from sampan import reference
from tests.generator import test_removal
from tests.harness import ROOT

Names = list[str]


@cache
def catalogue(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / f"extensions/catalogue/{name}.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def forgotten_of_region(region: str) -> Names:
    """Return the places that lack a region."""
    regions = catalogue("regions")
    levels = catalogue("matrix")["aws_region"].split(" | ") + catalogue("matrix")["dr_region"].split(" | ")
    prices = catalogue("prices")["regions"].split()
    column = prices.index(region) if region in prices else None
    certificates = f"# Amazon RDS {region} Root CA" in text("template/deploy/certs/rds.pem")
    places = {
        "`names` of extensions/catalogue/regions.yaml": region in regions["names"].split(),
        f"{region}.name of extensions/catalogue/regions.yaml": f"{region}.name" in regions,
        f"{region}.opt_in of extensions/catalogue/regions.yaml": f"{region}.opt_in" in regions,
        f"{region}.certificates of extensions/catalogue/regions.yaml": regions.get(f"{region}.certificates") in (True, certificates),
        f"{region} of template/deploy/certs/rds.pem": certificates or regions.get(f"{region}.certificates") is not True,
        f"lacks.{region} of extensions/catalogue/instances.yaml": f"lacks.{region}" in catalogue("instances"),
        f"a column of extensions/catalogue/prices.yaml, by `sampan prices --region {region}`": column is not None,
        f"prices in the column {region} of extensions/catalogue/prices.yaml, all of which are `?`": column is None
        or not certificates
        or catalogue("prices")["t3.medium"].split()[column] != "?",
        "aws_region or dr_region of extensions/catalogue/matrix.yaml": region in levels or not certificates,
    }
    return [place for place, there in places.items() if not there]


def forgotten_of_option(option: str) -> Names:
    """Return the places that lack an option."""
    question = test_removal.ANSWER_OF.get(option, option)
    table, profiles = catalogue("options"), catalogue("profiles")
    of_copier = reference.questions().get(question, {})
    rows = [f"{option}.files", f"{option}.words", f"{option}.edges", f"no_{option}.files"]
    places = {
        f"the question {question} of copier.yml": bool(of_copier),
        f"the default of {question} in copier.yml, from its profile": f"question = '{question}'" in str(of_copier.get("default")),
        f"{question} of extensions/catalogue/matrix.yaml": question in catalogue("matrix"),
        f"`on` of extensions/options.jinja: {option}": f"  '{option}': {question} | default(" in text("extensions/options.jinja"),
        f"OFF of tests/generator/test_removal.py: {option}": option in test_removal.OFF,
        f"EVERYTHING of tests/generator/test_removal.py: {question}": bool(
            {question, option} & {*test_removal.EVERYTHING, *test_removal.ON}
        ),
        f"docs/questions.md, by `sampan questions`: {question}": f"| `{question}` |" in text("docs/questions.md"),
        **{f"{profile}.{question} of extensions/catalogue/profiles.yaml": f"{profile}.{question}" in profiles for profile in PROFILES},
        **{f"{row} of extensions/catalogue/options.yaml": row in table for row in rows},
    }
    return [place for place, there in places.items() if not there]


PROFILES = catalogue("profiles")["names"].split()
# Combined from every table of options, so that an option missing from one table is still found.
SWITCHED = re.findall(r"^  '(\w+)': ", text("extensions/options.jinja"), flags=re.MULTILINE)
OPTIONS = sorted({*test_removal.OPTIONS, *test_removal.OFF, *SWITCHED})
REGIONS = sorted({key.rsplit(".", 1)[0] for key in catalogue("regions") if "." in key} | set(catalogue("regions")["names"].split()))


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_is_in_every_place(region: str) -> None:
    forgotten = forgotten_of_region(region)
    assert not forgotten, "forgotten: " + ", ".join(forgotten)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_in_every_place(option: str) -> None:
    forgotten = forgotten_of_option(option)
    assert not forgotten, "forgotten: " + ", ".join(forgotten)


def test_each_place_of_a_region_or_option_that_nobody_added_is_named() -> None:
    assert len(forgotten_of_region("eu-west-9")) == 6
    assert len(forgotten_of_option("teleport")) == 15
    listed = re.split(r"^## ", text("CONTRIBUTING.md"), flags=re.MULTILINE)
    pages = {page.partition("\n")[0]: page for page in listed}
    for page, forgotten in ("A new region", forgotten_of_region("eu-west-9")), ("A new option", forgotten_of_option("teleport")):
        files = {found for place in forgotten for found in re.findall(r"[a-z_/]+\.(?:yaml|yml|jinja|md|py|pem)", place)}
        assert files
        assert not {file for file in files if f"`{file}`" not in pages[page]}


# Names that a macro or test composes from a prefix and a suffix.
JOINED = {"versions": ("addon_", "chart_"), "instances": ("lacks.",), "profiles": ("lower.node_instance_type.",)}


@pytest.mark.parametrize("name", ["regions", "instances", "databases", "caches", "versions", "workload", "profiles"])
def test_every_fact_of_the_catalogue_is_read(name: str) -> None:
    """By a macro or a template, under the last word of its name. Tests compare versions with static files."""
    readers = [ROOT / "copier.yml", *(ROOT / "extensions").glob("*.jinja"), *(ROOT / "template").rglob("*.jinja")]
    readers += (ROOT / "tests").rglob("*.py") if name == "versions" else ()
    read = "\n".join(path.read_text(encoding="utf-8") for path in readers)
    facts = [fact for fact in catalogue(name) if not fact.startswith(JOINED.get(name, ()))]
    assert facts
    unread = [fact for fact in facts if not re.search(rf"['\".(]{re.escape(fact.rsplit('.', 1)[-1])}['\"\s)]", read)]
    assert unread == []
