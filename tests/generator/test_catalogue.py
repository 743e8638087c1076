"""The catalogue against data of others: what cfn-lint and moto carry of AWS."""

import gzip
import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
import yaml

from tests.harness import ROOT

CATALOGUE = ROOT / "extensions/catalogue"


@cache
def table(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CATALOGUE / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def cfn_lint(resource: str, enumeration: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files("cfnlint") / f"data/schemas/extensions/{resource}/{enumeration}_enum.json").read_text())
    return loaded


@cache
def moto_types() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(gzip.decompress((files("moto") / "ec2/resources/instance_types.json.gz").read_bytes()))
    return loaded


REGIONS = table("regions")["names"].split()
TYPES = table("instances")["types"].split()


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_lacks_what_the_catalogue_says(region: str) -> None:
    offered = set(cfn_lint("aws_ec2_instance", "instancetype")[region]["enum"])
    assert sorted(set(TYPES) - offered) == sorted(table("instances")[f"lacks.{region}"].split())


@pytest.mark.parametrize("region", REGIONS)
def test_moto_agrees_on_what_a_region_lacks(region: str) -> None:
    path = files("moto") / f"ec2/resources/instance_type_offerings/region/{region}.json.gz"
    offered = {row["InstanceType"] for row in json.loads(gzip.decompress(path.read_bytes()))}
    assert sorted(set(TYPES) - offered) == sorted(table("instances")[f"lacks.{region}"].split())


@pytest.mark.parametrize("region", REGIONS)
def test_at_least_as_many_zones_as_the_questions_offer(region: str) -> None:
    path = files("moto") / f"ec2/resources/instance_type_offerings/availability-zone/{region}.json.gz"
    zones = {row["Location"] for row in json.loads(gzip.decompress(path.read_bytes()))}
    assert len(zones) >= 3


@pytest.mark.parametrize("instance_type", TYPES)
def test_the_shape_of_an_instance_type(instance_type: str) -> None:
    known = moto_types()[instance_type]
    row = {key.removeprefix(f"{instance_type}."): value for key, value in table("instances").items() if key.startswith(f"{instance_type}.")}
    assert row == {
        "vcpu": known["VCpuInfo"]["DefaultVCpus"],
        "memory_mib": known["MemoryInfo"]["SizeInMiB"],
        "arch": known["ProcessorInfo"]["SupportedArchitectures"][-1],
    }


@pytest.mark.parametrize("region", REGIONS)
def test_every_database_class_is_offered_for_postgresql(region: str) -> None:
    rules = cfn_lint("aws_rds_dbinstance", "dbinstanceclass")[region]["allOf"]
    postgres = next(rule for rule in rules if rule["if"]["properties"].get("Engine", {}).get("const") == "postgres")
    assert set(table("databases")["types"].split()) <= set(postgres["then"]["properties"]["DBInstanceClass"]["enum"])


@pytest.mark.parametrize("region", REGIONS)
def test_every_cache_type_is_offered(region: str) -> None:
    assert set(table("caches")["types"].split()) <= set(cfn_lint("aws_elasticache_cachecluster", "cachenodetype")[region]["enum"])


def test_classes_that_aws_does_not_have_are_not_in_the_catalogue() -> None:
    assert not {"db.t3.nano", "db.t4g.nano"} & set(table("databases")["types"].split())
    assert not {"cache.t2.nano", "cache.t3.nano"} & set(table("caches")["types"].split())


def test_every_profile_answers_the_same_questions() -> None:
    rows = {
        profile: {key.removeprefix(f"{profile}.") for key in table("profiles") if key.startswith(f"{profile}.")}
        for profile in table("profiles")["names"].split()
    }
    assert len(set(map(frozenset, rows.values()))) == 1


OF_KUBERNETES = {
    ".github/scripts/check-manifests.sh": r"--kubernetes-version ([\d.]+)",
    "docs/runbooks/upgrade.md": r"the end of standard support: ([\d.]+) on",
    "infra/modules/cluster/tests/refusals.tftest.hcl": r'kubernetes_version = "(1\.\d\d)"',
    "infra/modules/nodes/tests/refusals.tftest.hcl": r'kubernetes_version = "(1\.\d\d)"',
    "infra/platform/variables_cluster.tf": r'default     = "(1\.\d\d)"\n',
    "ops/src/ops/doctor/tools.py": r"cluster's, which is ([\d.]+)\.",
}
"""Files that are copied as they stand, and their line of Kubernetes' version."""


@pytest.mark.parametrize("path", OF_KUBERNETES)
def test_every_file_has_the_catalogues_version_of_kubernetes(path: str) -> None:
    text = (ROOT / "template" / path).read_text(encoding="utf-8")
    assert re.findall(OF_KUBERNETES[path], text) == [table("versions")["kubernetes"]]


def test_no_other_file_names_a_version_of_kubernetes() -> None:
    named = re.compile(r"kubernetes[_-]version\W+(?:default\W+)?1\.\d\d\b", re.IGNORECASE)
    found = {
        path.relative_to(ROOT / "template").as_posix()
        for path in (ROOT / "template").rglob("*")
        if path.is_file() and path.suffix in {".hcl", ".jinja", ".py", ".sh", ".tf", ".yaml", ".yml"} and named.search(path.read_text())
    }
    assert found <= set(OF_KUBERNETES)
    assert len(found) >= 3
