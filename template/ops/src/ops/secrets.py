"""Names of secrets that a destroyed environment still occupies.

Secrets Manager keeps a deleted secret for 7 days, so that it can be restored, and its name is taken until then: an
environment that is created again in that time would fail.
"""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import project
from ops.errors import OpsError
from ops.output import confirm
from ops.terraform import Root
from ops.waiting import Wait

FREE_SECONDS = 120
"""A forced deletion ends some seconds after the call."""
POLL_SECONDS = 3.0
PLAN = "secrets.tfplan"
"""A plan that is read for its secrets and then removed."""


def deleted(service: str, environment: str, region: str) -> list[str]:
    """Return the names of the environment's secrets that are scheduled for deletion."""
    client: Any = boto3.client("secretsmanager", region_name=region)
    filters = [{"Key": "name", "Values": [f"{service}/{environment}/"]}]
    pages = client.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True, Filters=filters)
    return sorted(each["Name"] for page in pages for each in page["SecretList"] if each.get("DeletedDate"))


def free(names: list[str], service: str, environment: str, region: str) -> None:
    """Delete secrets permanently, and wait until their names are free. Raises OpsError."""
    client: Any = boto3.client("secretsmanager", region_name=region)
    for name in names:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    waiting = Wait("the deletion of secrets", FREE_SECONDS)
    while left := set(names) & set(deleted(service, environment, region)):
        if waiting.is_over:
            raise OpsError(f"{', '.join(sorted(left))} are not deleted yet: run this again")
        waiting.pause(POLL_SECONDS)


def _where(root: Root) -> tuple[str, str, str]:
    facts = project.facts(root.project)
    return facts["SERVICE"], root.environment, facts["AWS_REGION"]


def require_free_names(root: Root, plan: str) -> None:
    """Raise OpsError if a saved plan creates secrets whose names are still taken by deleted ones.

    Without the right to list secrets, Terraform's own error has to do.
    """
    if root.root != "service" or not (root.folder / plan).is_file():
        return
    try:
        held = set(deleted(*_where(root)))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise OpsError(f"cannot list the deleted secrets: {error}") from None
        return
    if held and (names := sorted(held & _created(root, plan))):
        raise OpsError(
            f"{', '.join(names)} were deleted less than 30 days ago, so their names are taken."
            f" To delete them for good and use the names again: uv run ops apply {root.environment} --root service"
        )


def _created(root: Root, plan: str) -> set[str]:
    """Names of the secrets that a saved plan creates."""
    changes = json.loads(root.read("show", "-json", plan)).get("resource_changes", [])
    secrets = [each["change"] for each in changes if each["type"] == "aws_secretsmanager_secret"]
    return {each["after"]["name"] for each in secrets if "create" in each["actions"]}


def _created_now(root: Root) -> set[str]:
    """Plan once more, and return the names of the secrets that an apply would create."""
    root.plan(PLAN)
    try:
        return _created(root, PLAN)
    finally:
        (root.folder / PLAN).unlink(missing_ok=True)


def free_secrets(root: Root, *, yes: bool, plan: str = "") -> None:
    """Free the names of deleted secrets that a saved or a new plan would create. Raises OpsError.

    Other deleted secrets stay restorable, such as that of an option that was switched off.
    """
    if root.root != "service":
        return
    where = _where(root)
    held = set(deleted(*where))
    if held and (names := sorted(held & (_created(root, plan) if plan else _created_now(root)))):
        question = (
            f"{', '.join(names)} were deleted and can be restored. Delete them for good, to use their names again?"
        )
        confirm(question, yes=yes)
        free(names, *where)
