"""The load balancer belongs to a controller in the cluster, and goes when the last Ingress does: before the cluster."""

import time
from pathlib import Path
from typing import Any

import boto3

from ops.aws import read_contract, write_kubeconfig
from ops.errors import OpsError
from ops.kubectl import Cluster

WAIT_SECONDS = 600
PAUSE_SECONDS = 5


def remove_ingress(project: Path, service: str, environment: str, region: str) -> None:
    """Delete the service's Ingress, and wait until the controller has let go of it. Raises OpsError."""
    contract = read_contract(service, environment, region)
    Cluster(write_kubeconfig(project, environment, contract), contract.namespace).delete("ingress", "api")


def wait_for_load_balancers(cluster: str, region: str) -> None:
    """Wait until the cluster's controller has no load balancer left. Raises OpsError, naming the ones that stay."""
    deadline = time.monotonic() + WAIT_SECONDS
    while left := _load_balancers(cluster, region):
        if time.monotonic() > deadline:
            raise OpsError(f"{', '.join(left)} still stand before {cluster}: some service has an Ingress there")
        time.sleep(PAUSE_SECONDS)


def _load_balancers(cluster: str, region: str) -> list[str]:
    client: Any = boto3.client("elbv2", region_name=region)
    pages = client.get_paginator("describe_load_balancers").paginate()
    found = [each for page in pages for each in page["LoadBalancers"]]
    return [each["LoadBalancerName"] for each in found if _of(cluster, client, each["LoadBalancerArn"])]


def _of(cluster: str, client: Any, arn: str) -> bool:
    (described,) = client.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {"Key": "elbv2.k8s.aws/cluster", "Value": cluster} in described["Tags"]
