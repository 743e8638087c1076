"""The namespace, its store of secrets, the rights of the deploy role and the priority classes: an administrator's."""

from pathlib import Path
from typing import Any

import yaml

from ops.contract import Contract
from ops.kubectl import Cluster, kustomize


def manifests(root: Path) -> list[dict[str, Any]]:
    """Return the manifests that deploy/access renders."""
    return [document for document in yaml.safe_load_all(kustomize(root / "deploy" / "access")) if document]


def missing(cluster: Cluster, root: Path) -> list[str]:
    """Kind and name of each resource that is not there."""
    named = [(each["kind"], each["metadata"]["name"]) for each in manifests(root)]
    return [f"{kind}/{name}" for kind, name in named if not cluster.exists(kind, name)]


def for_contract(documents: list[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """The same with the store reading in the contract's region, as the role that reads this service's secrets alone."""
    for document in documents:
        if document["kind"] == "SecretStore":
            where = {"region": contract.region, "role": contract.secrets_reader_role_arn}
            document["spec"]["provider"]["aws"] |= where
    return documents


def grant(cluster: Cluster, root: Path, contract: Contract) -> None:
    """Apply deploy/access. Raises OpsError."""
    documents = for_contract(manifests(root), contract)
    # Apply the namespace first, because it contains the other objects.
    cluster.apply([each for each in documents if each["kind"] == "Namespace"])
    cluster.apply([each for each in documents if each["kind"] != "Namespace"])
