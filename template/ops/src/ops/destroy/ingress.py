"""The load balancer, which the cluster's controller must delete before the cluster is deleted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops.aws import read_contract, tags_of, write_kubeconfig
from ops.contract import Contract, parameter_name
from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.output import say
from ops.waiting import Wait

INGRESS = "api"
DELETE_SECONDS = 300
"""A controller that runs deletes a load balancer within a minute or two."""
WAIT_SECONDS = 600
PAUSE_SECONDS = 5
# Tags of the controller (its pkg/deploy/tracking/provider.go at v3.5.0). The stack is the Ingress's group, which
# services of a platform share, or else the Ingress. The resource of a target group begins with its namespace.
_CLUSTER, _STACK, _RESOURCE = "elbv2.k8s.aws/cluster", "ingress.k8s.aws/stack", "ingress.k8s.aws/resource"
_GROUP = "alb.ingress.kubernetes.io/group.name"


def remove_ingress(project: Path, service: str, environment: str, region: str) -> None:
    """Delete the service's Ingress and its load balancer. Raises OpsError.

    Its controller has a finalizer on it and deletes the load balancer. Without a node, as where nodes are
    stopped at night, no controller runs, and a deletion would never end: then both are removed here.
    """
    contract = _contract(service, environment, region)
    if contract is None or not _exists(contract):
        say("the contract or the cluster no longer exists: the Ingress was deleted before")
        return
    cluster = Cluster(write_kubeconfig(project, environment, contract), contract.namespace)
    ingress = cluster.get("ingress", INGRESS)
    if ingress is None:
        return
    if _has_nodes(cluster):
        say(f"deleting the Ingress; its controller deletes the load balancer within {DELETE_SECONDS} s")
        try:
            cluster.delete("ingress", INGRESS, seconds=DELETE_SECONDS)
        except OpsError:
            if not cluster.exists("ingress", INGRESS):
                return
            say(f"the controller did not delete the load balancer within {DELETE_SECONDS} s: it is deleted here")
        else:
            return
    else:
        say("no node is ready, so no controller runs: the load balancer is deleted here")
    stack = ingress["metadata"].get("annotations", {}).get(_GROUP) or f"{contract.namespace}/{INGRESS}"
    mine = {_CLUSTER: contract.cluster_name, _STACK: stack}
    client: Any = boto3.client("elbv2", region_name=contract.region)
    groups = _own_target_groups(client, mine, contract.namespace)
    cluster.patch("ingress", INGRESS, {"metadata": {"finalizers": None}})
    cluster.delete("ingress", INGRESS, seconds=DELETE_SECONDS)
    _delete_load_balancers(client, mine, groups)


def _contract(service: str, environment: str, region: str) -> Contract | None:
    """Return the contract, or None if an earlier run has destroyed it."""
    parameters: Any = boto3.client("ssm", region_name=region)
    try:
        parameters.get_parameter(Name=parameter_name(service, environment))
    except parameters.exceptions.ParameterNotFound:
        return None
    return read_contract(service, environment, region)


def _exists(contract: Contract) -> bool:
    clusters: Any = boto3.client("eks", region_name=contract.region)
    try:
        clusters.describe_cluster(name=contract.cluster_name)
    except clusters.exceptions.ResourceNotFoundException:
        return False
    return True


def _has_nodes(cluster: Cluster) -> bool:
    conditions = [node.get("status", {}).get("conditions", []) for node in cluster.items("nodes")]
    return any(each["type"] == "Ready" and each["status"] == "True" for found in conditions for each in found)


def _own_target_groups(client: Any, mine: Mapping[str, str], namespace: str) -> list[str]:
    """ARNs of the target groups of a load balancer. Raises OpsError where some are another service's."""
    pages = client.get_paginator("describe_target_groups").paginate()
    arns = [group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]]
    resources = {arn: tags.get(_RESOURCE, "") for arn, tags in tags_of(client, arns) if mine.items() <= tags.items()}
    if others := sorted(each for each in resources.values() if not each.startswith(f"{namespace}/")):
        raise OpsError(
            f"stopped: the load balancer serves {', '.join(others)}, too, and only its controller can take "
            f"{namespace} out of it: run this again while a node is ready"
        )
    return list(resources)


def _delete_load_balancers(client: Any, mine: Mapping[str, str], groups: Sequence[str]) -> None:
    """Delete the resources that the controller created: load balancers first, because they use the target groups."""
    for each in _load_balancers(client):
        if mine.items() <= _tags(client, each["LoadBalancerArn"]).items():
            client.delete_load_balancer(LoadBalancerArn=each["LoadBalancerArn"])
            _wait_until_deleted(client, each["LoadBalancerArn"])
    for group in groups:
        client.delete_target_group(TargetGroupArn=group)


def _wait_until_deleted(client: Any, arn: str) -> None:
    waiting = Wait("the load balancer to be deleted", WAIT_SECONDS)
    while any(each["LoadBalancerArn"] == arn for each in _load_balancers(client)):
        if waiting.is_over:
            raise OpsError(f"the load balancer {arn} is not deleted after {WAIT_SECONDS} s: run this again")
        waiting.pause(PAUSE_SECONDS)


def wait_for_load_balancers(cluster: str, region: str) -> None:
    """Wait until the controller has deleted all load balancers. Raises OpsError with those that remain."""
    waiting = Wait(f"the load balancers of {cluster} to be deleted", WAIT_SECONDS)
    client: Any = boto3.client("elbv2", region_name=region)
    while left := [
        e["LoadBalancerName"] for e in _load_balancers(client) if _of(cluster, client, e["LoadBalancerArn"])
    ]:
        if waiting.is_over:
            raise OpsError(f"{', '.join(left)} still stand before {cluster}: some service has an Ingress there")
        waiting.pause(PAUSE_SECONDS)


def _load_balancers(client: Any) -> list[dict[str, Any]]:
    return [
        each for page in client.get_paginator("describe_load_balancers").paginate() for each in page["LoadBalancers"]
    ]


def _of(cluster: str, client: Any, arn: str) -> bool:
    return _tags(client, arn).get(_CLUSTER) == cluster


def _tags(client: Any, arn: str) -> dict[str, str]:
    """Return the tags of a resource; none if it was deleted meanwhile."""
    try:
        ((_, tags),) = tags_of(client, [arn])
    except ClientError as error:
        if "NotFound" in error.response["Error"]["Code"]:
            return {}
        raise
    return tags
