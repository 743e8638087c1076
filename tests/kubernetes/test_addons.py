"""The command that installs the cluster's add-ons: order, versions, facts, failures; on an emulated AWS and a recorded helm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import Renderer, install_program
from tests.kubernetes.conftest import deployer_of
from tests.kubernetes.deployer import Deployer

ANSWERS = {"service": "shop", "worker_scaling": "queue", "spot": True}
ORDER = ["aws-load-balancer-controller", "cluster-autoscaler", "external-secrets", "external-dns", "keda"]
PLATFORM = {"version": 1, "region": "ap-southeast-1", "cluster_name": "shop-dev", "vpc_id": "vpc-1", "environment": "dev"}
FAKE_HELM = Path(__file__).with_name("fake_helm.py")


class Administrator(Deployer):
    """Somebody who may install what the cluster needs."""

    def publish_platform(self, **values: Any) -> None:
        """Publish the platform's contract, a value of None left out."""
        document = {name: value for name, value in (PLATFORM | values).items() if value is not None}
        self.aws("ssm").put_parameter(Name="/platform/shop/dev/contract", Value=json.dumps(document), Type="String", Overwrite=True)

    def addons(self, *arguments: str) -> Any:
        return self.run(*arguments, command="addons", images={})

    @property
    def helm(self) -> list[dict[str, Any]]:
        """Return helm's calls, in order."""
        path = self.folder / "helm.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def installed(self) -> dict[str, dict[str, Any]]:
        """Chart to its call of `helm upgrade`, in order."""
        return {call["arguments"][2]: call for call in self.helm if call["arguments"][0] == "upgrade"}

    def fails(self, chart: str) -> None:
        (self.folder / "helm-fails").write_text(chart, encoding="utf-8")


@pytest.fixture
def administrator(render: Renderer, tmp_path: Path, aws: str) -> Iterator[Administrator]:
    """A platform with a service whose zone is there."""
    made = deployer_of(render, tmp_path, aws, ANSWERS, Administrator)
    made.publish_platform()
    install_program(made.folder / "helm", FAKE_HELM)
    route53 = made.aws("route53")
    zone = route53.create_hosted_zone(Name="dev.example.com", CallerReference=str(tmp_path))["HostedZone"]["Id"]
    yield made
    route53.delete_hosted_zone(Id=zone)


def option(call: dict[str, Any], name: str) -> str:
    (found,) = [argument for argument in call["arguments"] if argument.startswith(f"--{name}=")][:1]
    return str(found.partition("=")[2])


def test_all_are_installed_in_their_order_and_versions(administrator: Administrator) -> None:
    run = administrator.addons()
    assert run.returncode == 0, run.stderr
    installed = administrator.installed()
    assert list(installed) == ORDER
    rows = yaml.safe_load((administrator.project / "deploy/addons/addons.yaml").read_text(encoding="utf-8"))["addons"]
    for row in rows:
        call = installed[row["name"]]
        assert call["arguments"][:4] == ["upgrade", "--install", row["name"], row["name"]]
        assert option(call, "version") == row["version"]
        assert option(call, "repo") == row["repository"]
        assert option(call, "namespace") == row["namespace"]
        assert option(call, "values") == str(administrator.project / f"deploy/addons/{row['name']}.yaml")
        assert {"--wait", "--atomic", "--create-namespace", "--values=-"} <= set(call["arguments"])
        assert call["kubeconfig"] == str(administrator.project / ".deploy/platform-dev.kubeconfig.json")
    config = json.loads((administrator.project / ".deploy/platform-dev.kubeconfig.json").read_text(encoding="utf-8"))
    assert config["users"][0]["user"]["exec"]["args"][-1] == "shop-dev"


def test_what_a_chart_must_know_comes_from_the_contracts(administrator: Administrator) -> None:
    administrator.publish_platform(vpc_id="vpc-of-the-contract")
    assert administrator.addons().returncode == 0
    values = {name: yaml.safe_load(call["text"]) for name, call in administrator.installed().items()}
    assert values["aws-load-balancer-controller"] == {"clusterName": "shop-dev", "region": "ap-southeast-1", "vpcId": "vpc-of-the-contract"}
    assert values["cluster-autoscaler"] == {"autoDiscovery": {"clusterName": "shop-dev"}, "awsRegion": "ap-southeast-1"}
    zones = administrator.aws("route53").list_hosted_zones_by_name(DNSName="dev.example.com")["HostedZones"]
    zone = next(zone["Id"] for zone in zones if zone["Name"] == "dev.example.com.").rpartition("/")[2]
    assert values["external-dns"] == {"txtOwnerId": "shop-dev", "extraArgs": [f"--zone-id-filter={zone}", "--aws-zone-type=public"]}


def test_custom_resources_that_helm_leaves_alone_are_applied_first(administrator: Administrator) -> None:
    assert administrator.addons().returncode == 0
    assert [call["arguments"][:3] for call in administrator.helm][:2] == [
        ["show", "crds", "aws-load-balancer-controller"],
        ["upgrade", "--install", "aws-load-balancer-controller"],
    ]
    assert administrator.applies() == [["CustomResourceDefinition/aws-load-balancer-controller.example.com"]]


def test_a_repeated_run_asks_the_same(administrator: Administrator) -> None:
    assert administrator.addons().returncode == 0
    first = administrator.helm
    assert administrator.addons().returncode == 0
    assert administrator.helm == first * 2


def test_a_chart_that_fails_is_named_and_the_rest_is_not_touched(administrator: Administrator) -> None:
    administrator.fails("external-secrets")
    run = administrator.addons()
    assert run.returncode == 1
    assert "external-secrets 2." in run.stderr
    assert "context deadline exceeded" in run.stderr
    assert "Not touched: external-dns, keda" in run.stderr
    assert list(administrator.installed()) == ["aws-load-balancer-controller", "cluster-autoscaler", "external-secrets"]
    assert "cluster-autoscaler: 9." in run.stdout


def test_a_dry_run_shows_each_chart_and_changes_nothing(administrator: Administrator) -> None:
    run = administrator.addons("--dry-run")
    assert run.returncode == 0, run.stderr
    assert all("--dry-run=client" in call["arguments"] for call in administrator.helm)
    for name in ORDER:
        assert f"would install {name} " in run.stdout
        assert f"# what {name} would be" in run.stdout
    assert not list(administrator.calls())


@pytest.mark.parametrize("missing", ["vpc_id", "cluster_name", "region"])
def test_a_missing_value_of_the_contract_is_named_before_anything_happens(administrator: Administrator, missing: str) -> None:
    administrator.publish_platform(**{missing: None})
    run = administrator.addons()
    assert run.returncode == 1
    assert f"/platform/shop/dev/contract lacks {missing}: apply infra/platform again" in run.stderr
    assert not administrator.helm


def test_a_missing_contract_and_another_version_are_named(administrator: Administrator) -> None:
    administrator.publish_platform(version=2)
    assert "has version 2, and this reads 1" in administrator.addons().stderr
    administrator.aws("ssm").delete_parameter(Name="/platform/shop/dev/contract")
    run = administrator.addons()
    assert run.returncode == 1
    assert "cannot read the contract /platform/shop/dev/contract in" in run.stderr
    assert not administrator.helm


def test_without_a_service_with_a_host_name_no_records_are_kept(administrator: Administrator) -> None:
    administrator.publish(host="")
    run = administrator.addons()
    assert run.returncode == 0, run.stderr
    assert list(administrator.installed()) == [name for name in ORDER if name != "external-dns"]
    assert "external-dns: left out, no service with a host name stands on this platform yet" in run.stdout


def test_zones_are_those_of_the_services_on_this_platform(administrator: Administrator) -> None:
    parameters, route53 = administrator.aws("ssm"), administrator.aws("route53")
    others = {
        "/service/billing/dev/contract": {"cluster_name": "shop-dev", "host": "billing.example.com"},
        "/service/elsewhere/dev/contract": {"cluster_name": "another", "host": "elsewhere.example.com"},
        "/service/billing/production/contract": {"cluster_name": "shop-dev", "host": "www.example.com"},
    }
    for name, contract in others.items():
        parameters.put_parameter(Name=name, Value=json.dumps(contract), Type="String", Overwrite=True)
    names = [contract["host"] for contract in others.values()]
    zones = {
        name: route53.create_hosted_zone(Name=name, CallerReference=f"{administrator.folder}{name}")["HostedZone"]["Id"] for name in names
    }
    try:
        assert administrator.addons().returncode == 0
        arguments = yaml.safe_load(administrator.installed()["external-dns"]["text"])["extraArgs"]
        filters = [argument for argument in arguments if argument.startswith("--zone-id-filter=")]
        assert len(filters) == 2
        assert filters[0] == f"--zone-id-filter={zones['billing.example.com'].rpartition('/')[2]}"
        route53.delete_hosted_zone(Id=zones.pop("billing.example.com"))
        run = administrator.addons()
        assert run.returncode == 1
        assert "0 public hosted zones are named billing.example.com" in run.stderr
    finally:
        for name in others:
            parameters.delete_parameter(Name=name)
        for zone in zones.values():
            route53.delete_hosted_zone(Id=zone)


def test_without_helm_it_says_which_is_needed(administrator: Administrator) -> None:
    (administrator.folder / "helm").unlink()
    administrator.environment["PATH"] = str(administrator.folder)
    run = administrator.addons()
    assert run.returncode == 1
    assert "helm is not on PATH; version 3.14 or newer is needed" in run.stderr
