"""Names against the rules of every target that they reach, and time zones and currencies against their lists.

Where the rules are, read in November 2026:

- Kubernetes, "Namespaces": "Avoid creating namespaces with the prefix `kube-`, since it is reserved for Kubernetes system namespaces", and
  `default` is there from the start.
- EC2, CreateSecurityGroup, GroupName: up to 255 characters, "cannot start with sg-".
- Amazon S3, "General purpose bucket naming rules": 3 to 63 characters; not the prefixes `xn--`, `sthree-`, `amzn-s3-demo-`; not the
  suffixes `-s3alias`, `--ol-s3`, `.mrap`, `--x-s3`, `--table-s3`.
- Amazon RDS, CreateDBInstance, DBInstanceIdentifier, and ElastiCache, CreateReplicationGroup, ReplicationGroupId: a letter first, no two
  hyphens in a row, none at the end; at most 63 and 40 characters.
- Systems Manager, PutParameter, Name: the first part is not `aws` or `ssm` in any case. CloudWatch Logs: no group starts with `aws/`.
- PostgreSQL: the database, its roles and schemas have fixed names; no answer reaches them.
- uv: a project does not depend on itself, nor on a workspace member of its own name (pyproject.toml of a project: `name`, `ops`).
"""

import re
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import jinja2
import pytest
import yaml
from copier._main import Worker

from tests.harness import ROOT, Renderer

CATALOGUE = ROOT / "extensions/catalogue"
LONGEST = 72
"""Characters of a refusal that a terminal of 80 columns shows."""


@pytest.fixture(scope="module")
def environment(template: Path, tmp_path_factory: pytest.TempPathFactory) -> jinja2.Environment:
    return Worker(src_path=str(template), dst_path=tmp_path_factory.mktemp("names")).jinja_env


@pytest.fixture
def naming(environment: jinja2.Environment) -> Any:
    def call(name: str, *arguments: Any) -> str:
        source = f"{{% import 'extensions/naming.jinja' as naming %}}{{= naming.{name}(*arguments) =}}"
        return environment.from_string(source).render(arguments=arguments).strip()

    return call


RESERVED = {
    "default": "default-api",
    "kube-system": "system",
    "kube-public": "public",
    "kube-node-lease": "node-lease",
    "kube-orders": "orders",
    "keda": "keda-api",
    "external-dns": "external-dns-api",
    "external-secrets": "external-secrets-api",
    "amazon-cloudwatch": "amazon-cloudwatch-api",
    "sg-orders": "orders",
    "sg-kube-9-orders": "orders",
    "sthree-orders": "orders",
    "amzn-s3-demo-orders": "orders",
    "fastapi": "fastapi-api",
    "opentelemetry-sdk": "opentelemetry-sdk-api",
    "typing-inspection": "typing-inspection-api",
    "ops": "ops-api",
    "app": "app-api",
}


@pytest.mark.parametrize("name", RESERVED)
def test_a_reserved_name_is_refused_with_one_that_is_free(name: str, naming: Any) -> None:
    problem = naming("name_problem", name, "service")
    free = RESERVED[name]
    assert problem.startswith(f"choose {free}: ")
    assert len(problem) <= LONGEST
    assert naming("name_problem", free, "service") == ""
    assert naming("slug", name) == free


@pytest.mark.parametrize("name", ["sga", "kubernetes", "defaults", "sthree", "kedas", "orders-sg-api", "fast-api"])
def test_a_name_that_only_looks_reserved_is_taken(name: str, naming: Any) -> None:
    assert naming("name_problem", name, "service") == ""


@pytest.mark.parametrize("name", ["default", "keda", "redis"])
def test_a_platform_becomes_neither_a_namespace_nor_a_package(name: str, naming: Any) -> None:
    assert naming("name_problem", name, "platform") == ""


def test_every_package_and_every_namespace_of_an_add_on_is_reserved(naming: Any, render: Renderer) -> None:
    packages = [line.split("==")[0] for line in (CATALOGUE / "packages.txt").read_text(encoding="utf-8").splitlines()]
    addons = yaml.safe_load((render({"worker_scaling": "queue"}) / "deploy/addons/addons.yaml").read_text(encoding="utf-8"))
    namespaces = {addon["namespace"] for addon in addons["addons"]}
    assert namespaces >= {"keda", "kube-system"}
    for name in {*packages, *namespaces}:
        assert naming("name_problem", name, "service"), name
        assert naming("name_problem", naming("slug", name), "service") == "", name


def test_a_name_that_is_too_long_gets_a_short_refusal(naming: Any) -> None:
    assert len(naming("name_problem", "a" * 200, "service")) <= LONGEST


def test_time_zones_are_those_of_iana() -> None:
    """`Factory` and `localtime` are files of the database and name no zone."""
    table = yaml.safe_load((CATALOGUE / "timezones.yaml").read_text(encoding="utf-8"))
    known = {name for names in table.values() for name in names.split()}
    assert known == available_timezones() - {"Factory", "localtime"}
    assert {"Etc/GMT+8", "Singapore", "UTC", "America/Argentina/Buenos_Aires"} <= known


@pytest.mark.parametrize("zone", ["Etc/GMT+8", "Singapore", "UTC", "Asia/Ho_Chi_Minh"])
def test_a_time_zone_of_the_list_is_taken(zone: str, naming: Any) -> None:
    assert naming("time_zone_problem", zone) == ""


@pytest.mark.parametrize(
    ("zone", "choice"),
    [
        ("Asia/Atlantis", "Asia/Singapore or another name"),
        ("+07:00", "Asia/Singapore or another name"),
        ("", "Asia/Singapore or another name"),
        ("asia/ho chi minh", "Asia/Ho_Chi_Minh"),
        ("Jakarta", "Asia/Jakarta"),
        ("Factory", "Asia/Singapore or another name"),
    ],
)
def test_a_time_zone_that_does_not_exist_is_refused_with_the_nearest(zone: str, choice: str, naming: Any) -> None:
    problem = naming("time_zone_problem", zone)
    assert problem.startswith(f"choose {choice}: ")
    assert len(problem) <= LONGEST


def test_currencies_are_those_of_iso_4217(naming: Any) -> None:
    """The service's own list, which its amounts depend on, is the one of the questionnaire."""
    source = (ROOT / "template/src/app/kit/currencies.py").read_text(encoding="utf-8")
    codes = yaml.safe_load((CATALOGUE / "currencies.yaml").read_text(encoding="utf-8"))["codes"].split()
    assert codes == sorted(re.findall(r"\b[A-Z]{3}\b", source.split("_CODES")[1].split("}")[0]))
    assert all(naming("currency_problem", code) == "" for code in codes)


@pytest.mark.parametrize(
    ("code", "choice"), [("XYZ", "SGD or another currency"), ("sgd", "SGD"), ("XAU", "SGD or another currency"), ("", "SGD")]
)
def test_a_currency_that_does_not_exist_is_refused(code: str, choice: str, naming: Any) -> None:
    problem = naming("currency_problem", code)
    assert problem.startswith(f"choose {choice}")
    assert len(problem) <= LONGEST
