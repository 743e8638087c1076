"""The deploy's queries to AWS: the contract, access to the cluster, and existing images."""

# boto3 has no type hints. The protocols below type the calls that are used.
# mypy: disable-error-code="import-untyped"

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, SSOError, TokenRetrievalError

from ops.contract import Contract, parameter_name
from ops.errors import OpsError
from ops.images import Images


class _Parameters(Protocol):
    def get_parameter(self, *, Name: str) -> dict[str, dict[str, str]]: ...  # noqa: N803  AWS names it so


class _Clusters(Protocol):
    def describe_cluster(self, *, name: str) -> dict[str, dict[str, object]]: ...


class _Registry(Protocol):
    def describe_images(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> object: ...  # noqa: N803  AWS's
    def get_paginator(self, name: str) -> "_Pages": ...


class _Pages(Protocol):
    def paginate(self, **arguments: object) -> Iterable[dict[str, list[dict[str, Any]]]]: ...


class _Secrets(Protocol):
    def get_secret_value(self, *, SecretId: str) -> dict[str, str]: ...  # noqa: N803  AWS names it so


class _Tagged(Protocol):
    def describe_tags(self, *, ResourceArns: Sequence[str]) -> dict[str, list[dict[str, Any]]]: ...  # noqa: N803  AWS's


class ClusterReference(Protocol):
    """A cluster, and the namespace that commands work in."""

    @property
    def region(self) -> str:
        """The cluster's region."""

    @property
    def cluster_name(self) -> str:
        """The cluster's name."""

    @property
    def namespace(self) -> str:
        """The namespace."""


def read_contract(service: str, environment: str, region: str) -> Contract:
    """Return the service's contract. Raises OpsError if it is missing, unreadable or of another service."""
    name = parameter_name(service, environment)
    parameters: _Parameters = boto3.client("ssm", region_name=region)
    try:
        value = parameters.get_parameter(Name=name)["Parameter"]["Value"]
    except (NoCredentialsError, SSOError, TokenRetrievalError) as error:
        raise OpsError(f"AWS does not know who you are, log in to the account of {environment}: {error}") from None
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the contract {name} in {region}: {error}") from None
    contract = Contract.parse(value)
    if (contract.service, contract.environment) != (service, environment):
        raise OpsError(f"{name} is the contract of {contract.service} in {contract.environment}")
    return contract


def require_images(contract: Contract, images: Images) -> None:
    """Raise OpsError if an image is missing from the registry, before the running release is replaced."""
    registry: _Registry = boto3.client("ecr", region_name=contract.region)
    for name, repository, digest in images.references(contract):
        try:
            registry.describe_images(repositoryName=repository.partition("/")[2], imageIds=[{"imageDigest": digest}])
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"the image {name}@{digest} is not in its registry: {error}") from None


def newest_image(repository: str, region: str) -> str:
    """Digest of the image that was pushed last. Raises OpsError when there is none."""
    registry: _Registry = boto3.client("ecr", region_name=region)
    name = repository.partition("/")[2]
    try:
        pages = registry.get_paginator("describe_images").paginate(repositoryName=name, filter={"tagStatus": "TAGGED"})
        images = [image for page in pages for image in page["imageDetails"]]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the registry's images of {name}: {error}") from None
    if not images:
        raise OpsError(f"the registry holds no image in {name} yet: a release pushes its images before it migrates")
    digest: str = max(images, key=lambda image: image["imagePushedAt"])["imageDigest"]
    return digest


def read_login(name: str, region: str) -> tuple[str, str]:
    """User name and password of a secret of Secrets Manager, by name or ARN. Raises OpsError."""
    secrets: _Secrets = boto3.client("secretsmanager", region_name=region)
    try:
        value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        return str(value["username"]), str(value["password"])
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot read the secret {name}: {error}") from None
    except (KeyError, TypeError, ValueError):
        # Drop the original error, because it may contain the secret value.
        raise OpsError(f"the secret {name} is not a JSON object with username and password") from None


def tags_of(balancers: _Tagged, arns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each load balancer or target group with its tags. AWS describes those of at most 20 in a call."""
    for start in range(0, len(arns), 20):
        for described in balancers.describe_tags(ResourceArns=arns[start : start + 20])["TagDescriptions"]:
            yield described["ResourceArn"], {tag["Key"]: tag["Value"] for tag in described["Tags"]}


def kubeconfig(reference: ClusterReference) -> str:
    """Return a kubeconfig for a cluster as JSON. It gets its tokens from the AWS CLI.

    The deploy never uses the caller's own: that may point at another cluster. Raises OpsError.
    """
    clusters: _Clusters = boto3.client("eks", region_name=reference.region)
    try:
        cluster = clusters.describe_cluster(name=reference.cluster_name)["cluster"]
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"cannot describe the cluster {reference.cluster_name}: {error}") from None
    profile = os.environ.get("AWS_PROFILE")
    authority = cluster["certificateAuthority"]
    token = ["--region", reference.region, "eks", "get-token", "--cluster-name", reference.cluster_name]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "deploy",
        "clusters": [
            {
                "name": "deploy",
                "cluster": {
                    "server": cluster["endpoint"],
                    "certificate-authority-data": authority["data"] if isinstance(authority, dict) else "",
                },
            }
        ],
        "users": [
            {
                "name": "deploy",
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": token,
                        "interactiveMode": "Never",
                        # Set the profile, so that the kubeconfig also works in another shell.
                        "env": [{"name": "AWS_PROFILE", "value": profile}] if profile else None,
                    }
                },
            }
        ],
        "contexts": [
            {"name": "deploy", "context": {"cluster": "deploy", "user": "deploy", "namespace": reference.namespace}}
        ],
    }
    return json.dumps(document, indent=2)


def kubeconfig_of(root: Path, name: str) -> Path:
    """Where the kubeconfig of an environment is written."""
    return root / ".deploy" / f"{name}.kubeconfig.json"


def write_kubeconfig(root: Path, name: str, cluster: ClusterReference) -> Path:
    """Write a kubeconfig that only its owner can read into the project's ignored folder. Raises OpsError."""
    path = kubeconfig_of(root, name)
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(kubeconfig(cluster), encoding="utf-8")
    return path
