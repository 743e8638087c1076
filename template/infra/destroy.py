"""Takes an environment down, in the order in which AWS lets go of it.

    uv run infra/destroy.py ENVIRONMENT             the service, then the platform where this project has one
    uv run infra/destroy.py ENVIRONMENT --service   the service alone
    uv run infra/destroy.py bootstrap               GitHub's roles and the states' bucket, when nothing else is left

Terraform alone would fail half-way: the load balancer is the cluster's, and AWS deletes no bucket, registry, zone or
vault that holds something. What is locked against deletion stays, is taken out of the state, and is named at the end.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import project
from deploy.failure import DeployError
from teardown.contents import HELD, Resource, locked
from teardown.ingress import remove_ingress, wait_for_load_balancers
from teardown.terraform import Root, drop_local_state, fetch_state, other_states


def main(arguments: Sequence[str] | None = None) -> int:
    """Destroy what the arguments name; the exit status is 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        folder = project.find(Path.cwd())
        facts = project.facts(folder)
        _confirm(f"{facts['SERVICE']}-{options.environment}", options.yes)
        if options.environment == "bootstrap":
            _bootstrap(folder, facts)
        else:
            _environment(folder, facts, options)
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="destroy", description="Take an environment down.")
    parser.add_argument("environment", help="dev, staging or production, or bootstrap")
    parser.add_argument("--service", action="store_true", help="leave the platform")
    parser.add_argument("--delete-backups", action="store_true", help="delete the backups that vaults hold, too")
    parser.add_argument("--never-deployed", action="store_true", help="the cluster has no Ingress of this service")
    parser.add_argument("--yes", metavar="NAME", help="the name that is asked for, <service>-<environment>")
    return parser


def _confirm(name: str, given: str | None) -> None:
    """Raise DeployError unless the person names what goes."""
    if (given if given is not None else input(f"This destroys data. Type {name} to go on: ")) != name:
        raise DeployError(f"nothing is destroyed: that is not {name}")


def _environment(folder: Path, facts: dict[str, str], options: argparse.Namespace) -> None:
    service = Root(folder, options.environment, "service")
    if resources := service.resources():
        if not options.never_deployed:
            remove_ingress(folder, facts["SERVICE"], options.environment, facts["AWS_REGION"])
        _destroy(service, resources, options)
    platform = Root(folder, options.environment, "platform")
    if options.service or not platform.exists:
        return
    if resources := platform.resources():
        clusters = [each.values["name"] for each in resources if each.kind == "aws_eks_cluster"]
        for cluster in clusters:
            wait_for_load_balancers(cluster, facts["AWS_REGION"])
        _destroy(platform, resources, options)


def _destroy(root: Root, resources: list[Resource], options: argparse.Namespace) -> None:
    kept = locked(resources)
    for kind, empty in HELD.items():
        for resource in resources:
            if resource.kind == kind and resource.module.removesuffix(".") not in kept:
                empty(resource, options.delete_backups)
    if kept:
        root.terraform("state", "rm", *kept)
    root.terraform("destroy", "-auto-approve", "-input=false")
    _say(f"{root.name} is gone." + "".join(f"\nIt stays, for it is locked: {what}" for what in kept.values()))
    if any(each.kind == "aws_db_instance" for each in resources):
        _say("The final snapshot can be read for 30 days: then its key goes (aws kms cancel-key-deletion keeps it).")


def _bootstrap(folder: Path, facts: dict[str, str]) -> None:
    root = Root(folder, "", "bootstrap")
    resources = root.resources()
    (bucket,) = (each for each in resources if each.kind == "aws_s3_bucket")
    if left := other_states(bucket.values["bucket"], facts["AWS_REGION"]):
        raise DeployError(f"nothing is destroyed: {', '.join(left)} still hold resources")
    fetch_state(root)
    HELD["aws_s3_bucket"](bucket, True)
    root.terraform("destroy", "-auto-approve", "-input=false")
    drop_local_state(root)
    _say("bootstrap is gone.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
