"""The values of the platform and its services that add-ons need, read from AWS instead of typed."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.errors import OpsError

# The additional key for the arguments about hosted zones.
ZONE_ARGUMENTS = "zone_arguments"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform of one environment: its contract's values."""

    name: str
    environment: str
    values: dict[str, Any]

    # Cluster reference, for a kubeconfig.
    @property
    def region(self) -> str:
        """The region of the cluster."""
        return str(self.values["region"])

    @property
    def cluster_name(self) -> str:
        """The name of the EKS cluster."""
        return str(self.values["cluster_name"])

    @property
    def namespace(self) -> str:
        """Where custom resource definitions are applied from; they belong to no namespace."""
        return "kube-system"


def read_platform(name: str, environment: str, region: str, wanted: Iterable[str]) -> Platform:
    """The contract that infra/platform publishes. Raises OpsError naming each wanted key that it lacks."""
    parameter = f"/platform/{name}/{environment}/contract"
    parameters: Any = boto3.client("ssm", region_name=region)
    try:
        values = json.loads(parameters.get_parameter(Name=parameter)["Parameter"]["Value"])
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the contract {parameter} in {region}: {error}") from None
    except ValueError as error:
        raise OpsError(f"the contract {parameter} is not JSON: {error}") from None
    if values.get("version") != VERSION:
        raise OpsError(f"the contract {parameter} has version {values.get('version')}, and this reads {VERSION}")
    needed = sorted({"region", "cluster_name", *wanted} - {ZONE_ARGUMENTS})
    if missing := [key for key in needed if not isinstance(values.get(key), str) or not values[key]]:
        raise OpsError(f"the contract {parameter} lacks {', '.join(missing)}: apply infra/platform again")
    return Platform(name, environment, values)


def zone_arguments(platform: Platform) -> list[str]:
    """external-dns's arguments for the zones of all services with a host on the platform; empty without any.

    Zones by their ids: of a zone that it may not read, external-dns would not let go.
    """
    zones = [_zone(host, platform.region) for host in _hosts(platform)]
    return [*(f"--zone-id-filter={zone}" for zone in zones), "--aws-zone-type=public"] if zones else []


def _hosts(platform: Platform) -> list[str]:
    parameters: Any = boto3.client("ssm", region_name=platform.region)
    try:
        pages = parameters.get_paginator("get_parameters_by_path").paginate(Path="/service/", Recursive=True)
        found = [parameter for page in pages for parameter in page["Parameters"]]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the contracts under /service/: {error}") from None
    mine = [parameter for parameter in found if parameter["Name"].endswith(f"/{platform.environment}/contract")]
    contracts = [json.loads(parameter["Value"]) for parameter in mine]
    here = [contract for contract in contracts if contract.get("cluster_name") == platform.cluster_name]
    return sorted({contract["host"] for contract in here if contract.get("host")})


def _zone(host: str, region: str) -> str:
    route53: Any = boto3.client("route53", region_name=region)
    try:
        zones = route53.list_hosted_zones_by_name(DNSName=host)["HostedZones"]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the hosted zones: {error}") from None
    found = [z["Id"] for z in zones if z["Name"] == f"{host}." and not z["Config"]["PrivateZone"]]
    if len(found) != 1:
        raise OpsError(f"{len(found)} public hosted zones are named {host}; a service's contract names it once")
    return str(found[0]).rpartition("/")[2]
