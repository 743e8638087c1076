"""Destroys an environment, in an order that AWS accepts.

Terraform alone would fail midway: the load balancer belongs to the cluster, and AWS does not delete a bucket,
registry, zone or vault that is not empty.
"""

from dataclasses import dataclass
from pathlib import Path

from ops import project
from ops.destroy.contents import HELD, Resource, locked
from ops.destroy.ingress import remove_ingress, wait_for_load_balancers
from ops.destroy.states import drop_local_state, fetch_state, other_states, resources_of
from ops.errors import OpsError
from ops.output import say
from ops.terraform import BOOTSTRAP, Root


@dataclass(frozen=True, slots=True)
class Choice:
    """The environment to destroy, and the facts about it."""

    service_only: bool = False
    delete_backups: bool = False
    never_deployed: bool = False


def destroy_environment(name: str, choice: Choice, confirmation: str | None) -> None:
    """Destroy an environment or bootstrap. Raises OpsError."""
    folder = project.find()
    facts = project.facts(folder)
    _confirm(f"{facts['SERVICE']}-{name}", confirmation)
    if name == BOOTSTRAP:
        _bootstrap(folder, facts)
    else:
        _environment(folder, facts, name, choice)


def _confirm(name: str, given: str | None) -> None:
    """Raise OpsError unless the person confirms with the name."""
    if (given if given is not None else input(f"This destroys data. Type {name} to go on: ")) != name:
        raise OpsError(f"nothing is destroyed: that is not {name}")


def _environment(folder: Path, facts: dict[str, str], name: str, choice: Choice) -> None:
    service = Root.of(folder, name, "service")
    if resources := resources_of(service):
        if not choice.never_deployed:
            remove_ingress(folder, facts["SERVICE"], name, facts["AWS_REGION"])
        _destroy(service, resources, choice)
    else:
        say(f"{service.name} has no resources.")
    platform = Root(folder, name, "platform")
    if choice.service_only or not platform.exists:
        return
    if resources := resources_of(platform):
        clusters = [each.values["name"] for each in resources if each.kind == "aws_eks_cluster"]
        for cluster in clusters:
            wait_for_load_balancers(cluster, facts["AWS_REGION"])
        _destroy(platform, resources, choice)
    else:
        say(f"{platform.name} has no resources.")


def _destroy(root: Root, resources: list[Resource], choice: Choice) -> None:
    kept = locked(resources)
    for kind, empty in HELD.items():
        for resource in resources:
            if resource.kind == kind and resource.module.removesuffix(".") not in kept:
                empty(resource, choice.delete_backups)
    if kept:
        root.run("state", "rm", *kept)
    root.run("destroy", "-auto-approve", "-input=false")
    say(f"{root.name} is gone." + "".join(f"\nIt stays, for it is locked: {what}" for what in kept.values()))
    if any(each.kind == "aws_db_instance" for each in resources):
        say("The final snapshot can be read for 30 days: then its key goes (aws kms cancel-key-deletion keeps it).")


def _bootstrap(folder: Path, facts: dict[str, str]) -> None:
    root = Root.of(folder, "", BOOTSTRAP)
    resources = resources_of(root)
    if not resources:
        drop_local_state(root)
        say("bootstrap has no resources.")
        return
    # The bucket of the account's audit trail, if there is one, has files that are locked until they expire.
    kept = locked(resources)
    # An interrupted run may have deleted the bucket already. The state is then a local file.
    buckets = [each for each in resources if each.kind == "aws_s3_bucket"]
    for bucket in [each for each in buckets if each.module.removesuffix(".") not in kept]:
        if left := other_states(bucket.values["bucket"], facts["AWS_REGION"]):
            raise OpsError(f"nothing is destroyed: {', '.join(left)} still hold resources")
        fetch_state(root)
        HELD["aws_s3_bucket"](bucket, True)
    if kept:
        root.run("state", "rm", *kept)
    root.run("destroy", "-auto-approve", "-input=false")
    drop_local_state(root)
    say("bootstrap is gone." + "".join(f"\nIt stays, for it is locked: {what}" for what in kept.values()))
