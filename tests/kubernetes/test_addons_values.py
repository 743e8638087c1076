"""The add-ons' values: names that the platform knows, keys that the charts know, sizes that capacity counts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generator.test_removal import EVERYTHING
from tests.harness import ROOT, Renderer
from tests.kubernetes.overlays import VARIANTS

VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
WORKLOAD = yaml.safe_load((ROOT / "extensions/catalogue/workload.yaml").read_text(encoding="utf-8"))
CHARTS = Path(__file__).with_name("charts.yaml").read_text(encoding="utf-8")
KNOWN = yaml.safe_load(CHARTS)
# Other pods in `system` of the catalogue, in millicores and MiB: CoreDNS 2 x (100, 70), metrics-server 2 x (100, 200) and the
# CloudWatch operator (100, 64) by the requests of EKS's add-ons, and the metrics scraper (50, 128) by its own Deployment.
EKS_PODS, EKS_CPU, EKS_MEMORY = 6, 550, 732


def addons_of(project: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((project / "deploy/addons/addons.yaml").read_text(encoding="utf-8"))["addons"]
    assert rows
    return rows


def values_of(project: Path, name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((project / f"deploy/addons/{name}.yaml").read_text(encoding="utf-8"))
    return values


def paths(value: Any, above: str = "") -> Iterator[str]:
    """Each leaf by its path; a list is a leaf."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, f"{above}.{key}" if above else str(key))
    else:
        yield above


def unknown(values: dict[str, Any], facts: dict[str, str], chart: str) -> set[str]:
    """Values that a chart does not know: Helm would ignore them without a word, but for charts with a schema."""
    return {*paths(values), *facts} - set(KNOWN[chart])


@pytest.mark.parametrize("chart", KNOWN)
def test_the_chart_that_is_installed_is_the_one_that_was_read(chart: str) -> None:
    (read,) = re.findall(rf"^{chart}:\n  # .*-?v?(\d+\.\d+\.\d+)\.(?: |$)", CHARTS, re.MULTILINE)
    assert VERSIONS[f"chart_{chart.replace('-', '_')}"] == read


def requests(value: Any) -> Iterator[tuple[int, int]]:
    """CPU (millicores) and memory (MiB) of each container that values describe."""
    if isinstance(value, dict):
        if "requests" in value:
            cpu, memory = value["requests"]["cpu"], value["requests"]["memory"]
            assert cpu.endswith("m")
            assert memory.endswith("Mi")
            yield int(cpu.removesuffix("m")), int(memory.removesuffix("Mi"))
        for item in value.values():
            yield from requests(item)


def size(values: dict[str, Any]) -> tuple[int, int, int]:
    """CPU, memory and pods of one add-on. The count above is that of the first container; others say their own, one."""
    found = list(requests(values))
    first = values.get("replicaCount", 1)
    counts = [first, *[1] * (len(found) - 1)]
    cpu = sum(count * cpu for count, (cpu, _) in zip(counts, found, strict=True))
    return cpu, sum(count * memory for count, (_, memory) in zip(counts, found, strict=True)), sum(counts)


@pytest.mark.parametrize("variant", ["startup", "production", "everything"])
def test_a_chart_knows_every_value_that_it_is_given(render: Renderer, variant: str) -> None:
    project = render(VARIANTS[variant])
    for row in addons_of(project):
        assert not unknown(values_of(project, row["name"]), row.get("facts", {}), row["name"]), row["name"]
    assert unknown({"replicas": 2}, {}, "external-dns") == {"replicas"}


def test_names_and_namespaces_are_those_that_the_platform_gave_roles_to(render: Renderer) -> None:
    project = render(EVERYTHING)
    text = (project / "infra/platform/controllers.tf").read_text(encoding="utf-8")
    block = text[text.index("controllers = {") : text.index('module "controller"')]
    roles = dict(re.findall(r'^    ([\w-]+) = \{\n      namespace = "([\w-]+)"', block, re.MULTILINE))
    renamed = dict(re.findall(r'controller_accounts = \{ ([\w-]+) = "([\w-]+)"', block))
    wanted = {(namespace, renamed.get(name, name)) for name, namespace in roles.items()}
    found = set()
    for row in addons_of(project):
        values = values_of(project, row["name"])
        account = values.get("rbac", {}).get("serviceAccount") or values.get("serviceAccount", {})
        if "name" in account:
            found.add((row["namespace"], account["name"]))
    assert len(wanted) == 4
    assert found == wanted


def test_versions_are_the_catalogues_and_the_autoscaler_is_the_clusters(render: Renderer) -> None:
    project = render(EVERYTHING)
    for row in addons_of(project):
        assert row["version"] == VERSIONS[f"chart_{row['name'].replace('-', '_')}"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", row["version"])
    tag = values_of(project, "cluster-autoscaler")["image"]["tag"]
    assert tag.rpartition(".")[0] == f"v{VERSIONS['kubernetes']}"


def test_facts_are_keys_of_the_platforms_contract(render: Renderer) -> None:
    project = render(EVERYTHING)
    published = (project / "infra/platform/contract.tf").read_text(encoding="utf-8")
    keys = {key for row in addons_of(project) for key in row.get("facts", {}).values()} - {"zone_arguments"}
    assert keys
    for key in keys:
        assert re.search(rf"^    {key}\s+= ", published, re.MULTILINE), key


def test_spot_nodes_come_first_where_there_are_any(render: Renderer) -> None:
    on = values_of(render(EVERYTHING), "cluster-autoscaler")
    assert on["extraArgs"]["expander"] == "priority,least-waste"
    first, rest = sorted(on["expanderPriorities"].items(), reverse=True)
    group = re.search(r'spot_group_name = "(\w+)"', (render(EVERYTHING) / "infra/platform/spot.tf").read_text(encoding="utf-8"))
    assert group
    assert re.match(first[1][0], f"eks-{group[1]}-0123abcd")
    assert not re.match(first[1][0], "eks-on-demand-0123abcd")
    assert rest[1] == [".*"]
    off = values_of(render(VARIANTS["startup"]), "cluster-autoscaler")
    assert off["extraArgs"]["expander"] == "least-waste"
    assert "expanderPriorities" not in off


def test_their_sizes_are_those_that_capacity_counts(render: Renderer) -> None:
    project = render(EVERYTHING)
    sizes = {row["name"]: size(values_of(project, row["name"])) for row in addons_of(project)}
    assert sizes.pop("keda") == tuple(WORKLOAD[f"queue.{kind}"] for kind in ("cpu", "memory", "pods"))
    cpu, memory, pods = (sum(values) for values in zip(*sizes.values(), strict=True))
    assert pods + EKS_PODS == WORKLOAD["system.pods"]
    # The catalogue may exceed the sum, by what a new patch release requests, but must never be below it.
    assert 0 <= WORKLOAD["system.cpu"] - cpu - EKS_CPU <= 50
    assert 0 <= WORKLOAD["system.memory"] - memory - EKS_MEMORY <= 64


def test_a_project_that_joins_a_platform_installs_nothing(render: Renderer) -> None:
    project = render(VARIANTS["join"])
    assert not (project / "deploy/addons").exists()
    assert not list((project / "ops/src/ops").rglob("addons*"))
    assert "The platform's administrators install the controllers" in (project / "deploy/README.md").read_text(encoding="utf-8")
