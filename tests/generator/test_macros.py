"""The macros, each called directly: what it answers at its edges."""

from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from copier._main import Worker

from tests.harness import ROOT


@pytest.fixture(scope="module")
def environment(template: Path, tmp_path_factory: pytest.TempPathFactory) -> jinja2.Environment:
    worker = Worker(src_path=str(template), dst_path=tmp_path_factory.mktemp("macros"))
    return worker.jinja_env


@pytest.fixture
def macro(environment: jinja2.Environment) -> Any:
    def call(library: str, name: str, *arguments: Any) -> str:
        source = f"{{% import 'extensions/{library}.jinja' as library %}}{{= library.{name}(*arguments) =}}"
        return environment.from_string(source).render(arguments=arguments).strip()

    return call


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("FastAPI Service", "fastapi-service"),
        ("  --Orders & Billing--  ", "orders-billing"),
        ("3 Amigos", "amigos"),
        ("การชำระเงิน", "service"),
        ("A very long name that never seems to end", "a-very-long-name-that-ne"),
        ("twenty-three-characters x", "twenty-three-characters"),
        ("no", "no"),
    ],
)
def test_slug(text: str, slug: str, macro: Any) -> None:
    assert macro("naming", "slug", text) == slug
    assert macro("naming", "name_problem", slug, "service") == ""


@pytest.mark.parametrize("service", ["", "a", "A", "1a", "-a", "a-", "a--b", "a_b", "a\n", "a" * 25, "ไทย"])
def test_a_wrong_service_name_is_refused(service: str, macro: Any) -> None:
    problem = macro("naming", "name_problem", service, "service")
    assert "2 to 24 of a-z, 0-9, single hyphens" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "172.16.0.0/16", "10.253.0.0/16", "192.168.0.0/18", "10.0.16.0/20"])
def test_a_vpc_range_that_fits(cidr: str, macro: Any) -> None:
    assert macro("network", "vpc_problem", cidr, 3) == ""


@pytest.mark.parametrize(
    ("cidr", "problem"),
    [
        ("10.0.0.0", "write a network such as"),
        ("10.0.0.1/16", "write a network such as"),
        ("10.0.0.256/16", "write a network such as"),
        ("010.0.0.0/16", "write a network such as"),
        ("10.0.0.0/8", "choose /16 to /20"),
        ("10.0.0.0/24", "choose /16 to /20"),
        ("10.254.0.0/16", "must fit a private range"),
        ("172.31.0.0/16", "must fit a private range"),
        ("192.168.0.0/16", "must fit a private range"),
        ("100.64.0.0/16", "must fit a private range"),
    ],
)
def test_a_vpc_range_that_does_not_fit(cidr: str, problem: str, macro: Any) -> None:
    assert problem in macro("network", "vpc_problem", cidr, 3)


@pytest.mark.parametrize(
    ("class_", "connections"), [("db.t3.micro", 112), ("db.t4g.small", 225), ("db.m7g.large", 901), ("db.r7g.xlarge", 3604)]
)
def test_connections_follow_from_memory(class_: str, connections: int, macro: Any) -> None:
    assert int(macro("capacity", "connections", class_)) == connections


def test_a_pool_is_the_usable_share_over_all_processes(macro: Any) -> None:
    # (112 * 0.8 - 10) / (10 + 3 surge + 10 + 3 surge) = 79 / 26
    assert int(macro("capacity", "pool_size", "db.t3.micro", "rolling")) == 3
    assert int(macro("capacity", "pool_size", "db.r7g.xlarge", "rolling")) == 10


def test_nodes_hold_the_smallest_and_the_largest_replica_counts(macro: Any) -> None:
    # t3.medium leaves 1930 - 450 mCPU and 3850 - 255 - 11 * 110 - 100 - 250 MiB
    assert int(macro("capacity", "node_cpu", "t3.medium")) == 1480
    assert int(macro("capacity", "node_memory", "t3.medium")) == 2035
    assert int(macro("capacity", "smallest", "t3.medium", False, "rolling")) == 2
    assert int(macro("capacity", "largest", "t3.medium", False, "rolling")) == 5
    assert int(macro("capacity", "nodes_for", "t3.small", 2, 2, False)) == 0


def test_spot_needs_four_types_of_one_shape(macro: Any) -> None:
    types = macro("sizing", "spot_types", "t3.medium", "ap-southeast-3").split()
    assert types[0] == "t3.medium"
    assert len(types) >= 4
    assert not {"t3a.medium", "c6i.large"} & set(types)
    choices = {value["value"]: value["validator"] for _, value in yaml.safe_load(macro("choices", "spot", "t3.small", "ap-southeast-1"))}
    assert choices[False] == ""
    assert "spot needs 4" in choices[True]


def test_an_environments_block_depends_on_its_name_alone(macro: Any) -> None:
    assert [macro("sizing", "block", name) for name in ("production", "staging", "dev")] == ["0", "1", "2"]


def test_every_catalogue_file_is_flat() -> None:
    for path in (ROOT / "extensions/catalogue").glob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert content
        assert all(isinstance(value, str | int | float | bool) for value in content.values()), path.name


LONGEST = 72
"""Characters of a refusal that a terminal of 80 columns shows."""


def test_reasons_of_choices_start_with_the_remedy_and_fit_a_terminal(macro: Any) -> None:
    """A choice that does not fit is listed with its reason."""
    regions = yaml.safe_load((ROOT / "extensions/catalogue/regions.yaml").read_text(encoding="utf-8"))["names"].split()
    instances = yaml.safe_load((ROOT / "extensions/catalogue/instances.yaml").read_text(encoding="utf-8"))["offered"].split()
    calls: list[tuple[str, tuple[Any, ...]]] = [("regions", (region, "none")) for region in regions]
    calls += [("nodes", (region, queue)) for region in regions for queue in (True, False)]
    calls += [("spot", (instance, region)) for instance in instances for region in regions]
    calls += [("databases", (delivery,)) for delivery in ("rolling", "canary")]
    calls += [("off_hours", (platform, True, ["dev"])) for platform in ("create", "join")]
    seen = {name: set[str]() for name, _ in calls}
    for name, arguments in calls:
        seen[name] |= {value["validator"] for _, value in yaml.safe_load(macro("choices", name, *arguments)) if value["validator"]}
    assert all(reasons for name, reasons in seen.items() if name != "databases"), seen
    for reason in set().union(*seen.values()):
        assert reason.startswith("choose "), reason
        assert len(reason) <= LONGEST, reason


def test_a_shortage_of_nodes_fits_a_terminal(macro: Any) -> None:
    instances = yaml.safe_load((ROOT / "extensions/catalogue/instances.yaml").read_text(encoding="utf-8"))["offered"].split()
    for instance in instances:
        for count in (0, 1, 2):
            reason = macro("capacity", "shortage", count, instance, 12, 10, True)
            assert len(reason) <= LONGEST, reason
            assert not reason or reason.startswith("choose "), reason
