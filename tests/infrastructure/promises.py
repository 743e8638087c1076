"""Promises of every plan, for any answers: each promise gives the places where a plan breaks it."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.harness import ROOT
from tests.infrastructure.terraform import Plan, Resource

ACTIONS: dict[str, str] = yaml.safe_load((Path(__file__).parent / "actions.yaml").read_text(encoding="utf-8"))
"""Actions that roles may have, by service: the allow-list."""

REGIONS = yaml.safe_load((ROOT / "extensions/catalogue/regions.yaml").read_text(encoding="utf-8"))["names"].split()

WIDE = {
    f'data.aws_iam_policy_document.{document}["{key}"]'
    for document in ("boundary", "boundary_allows")
    for key in ("account", "dev", "staging", "production")
}
"""The lines that no role crosses, and that roles which apply reviewed plans go up to: test_roles and test_policies read them."""

Answers = Mapping[str, Any]

KEYS = {
    "aws_backup_vault": "kms_key_arn",
    "aws_cloudtrail": "kms_key_id",
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_db_instance": "kms_key_id",
    "aws_elasticache_replication_group": "kms_key_id",
    "aws_scheduler_schedule": "kms_key_arn",
    "aws_secretsmanager_secret": "kms_key_id",
    "aws_sns_topic": "kms_master_key_id",
}
"""Where each kind that holds data names its key."""

# Resource types that support tags but have none, with the reason.
UNTAGGED = {"aws_default_security_group": "the account's own, closed and otherwise left alone"}


def subnets_and_routes(plan: Plan, answers: Answers) -> Iterator[str]:
    """Three subnets and one private route a zone, NAT gateways as answered, and no route out of the database tier."""
    zones, nats = answers["az_count"], answers["nat_gateways"]
    counts = {
        "aws_subnet": 3 * zones,
        "aws_nat_gateway": nats,
        "aws_eip": nats,
        "aws_route": zones + 1,
        "aws_route_table_association": 3 * zones,
    }
    for kind, count in counts.items():
        if len(plan.of(kind)) != count:
            yield f"{len(plan.of(kind))} of {kind} in place of {count}"
    private = [route for route in plan.of("aws_route") if ".aws_route.private[" in route.address]
    if len({route.key for route in private}) != zones:
        yield "some zone has no route of its own"


def only_nat_in_public_subnets(plan: Plan, _: Answers) -> Iterator[str]:
    """The load balancer joins the NAT gateways there, but only after the first deploy."""
    for address, block in plan.blocks():
        if "aws_subnet.public" in str(block.get("expressions")) and not address.endswith("aws_nat_gateway.this"):
            yield address
    yield from (subnet.address for subnet in plan.of("aws_subnet") if subnet["map_public_ip_on_launch"])


def encryption(plan: Plan, _: Answers) -> Iterator[str]:
    """Everything that holds data names a key; disks and transit are encrypted."""
    for kind, argument in KEYS.items():
        yield from (each.address for each in plan.of(kind) if not each.given(argument))
    checks: dict[str, Callable[[Resource], bool]] = {
        "aws_db_instance": lambda each: bool(each["storage_encrypted"]),
        "aws_ecr_repository": lambda each: each["encryption_configuration"][0]["encryption_type"] == "KMS",
        "aws_eks_cluster": lambda each: each["encryption_config"][0]["resources"] == ["secrets"],
        "aws_elasticache_replication_group": lambda each: bool(each["transit_encryption_enabled"] and each["at_rest_encryption_enabled"]),
        "aws_launch_template": lambda each: each["block_device_mappings"][0]["ebs"][0]["encrypted"] == "true",
    }
    for kind, holds in checks.items():
        yield from (each.address for each in plan.of(kind) if not holds(each))
    buckets, encrypted = plan.of("aws_s3_bucket"), plan.of("aws_s3_bucket_server_side_encryption_configuration")
    if len(buckets) != len(encrypted):
        yield "a bucket without encryption"


def no_public_database(plan: Plan, _: Answers) -> Iterator[str]:
    """No address of its own, and a group that lets the cluster's group in and nobody else."""
    yield from (each.address for each in plan.of("aws_db_instance") if each["publicly_accessible"])
    for rule in plan.of("aws_vpc_security_group_ingress_rule"):
        if rule["cidr_ipv4"] == "0.0.0.0/0" and rule["from_port"] not in {80, 443}:
            yield rule.address


def one_region(plan: Plan, answers: Answers) -> Iterator[str]:
    """Without a DR region a plan names no other region; with one, that one alone."""
    text = json.dumps(plan.document["resource_changes"])
    allowed = {answers["aws_region"], answers["dr_region"]}
    yield from (region for region in REGIONS if region not in allowed and f'"{region}' in text)
    away = {block["provider_config_key"] for _, block in plan.blocks() if "dr_region" in block["provider_config_key"]}
    if away and not answers["dr_region_answered"]:
        yield f"resources of {away}"


def actions(plan: Plan) -> set[str]:
    """Every action that the plan's policies allow a role."""
    found: set[str] = set()
    for address, document in plan.documents.items():
        if address in WIDE:
            continue
        for statement in document["statement"]:
            if statement.get("effect") != "Deny" and not statement.get("principals"):
                found |= set(statement.get("actions") or [])
    return found


def narrow_roles(plan: Plan, _: Answers) -> Iterator[str]:
    """No role may do what the list does not name; a wildcard does not count as a name."""
    allowed = {f"{service}:{action}" for service, names in ACTIONS.items() for action in names.split()}
    yield from sorted(actions(plan) - allowed)
    attached = {each["policy_arn"].rsplit("/")[-1] for each in plan.of("aws_iam_role_policy_attachment") if each["policy_arn"]}
    yield from sorted(attached - set(ACTIONS["managed"].split()))
    yield from (role.address for role in plan.of("aws_iam_role") if not role.given("permissions_boundary"))


def tags(plan: Plan, answers: Answers) -> Iterator[str]:
    """Every resource that supports tags is tagged with its owner."""
    wanted = {"ManagedBy": "terraform", "Root": plan.case.root, "Team": answers["team"]}
    for each in plan.changes:
        if "tags_all" in each.values and each.kind not in UNTAGGED and not wanted.items() <= (each["tags_all"] or {}).items():
            yield each.address


def deliberate(plan: Plan, _: Answers) -> Iterator[str]:
    """A first plan creates, and changes or destroys nothing."""
    if not plan.changes:
        yield "an empty plan"
    for change in plan.document["resource_changes"]:
        if change["change"]["actions"] not in (["create"], ["read"]):
            yield f"{change['address']} {change['change']['actions']}"


EVERYWHERE = (deliberate, encryption, narrow_roles, no_public_database, one_region, only_nat_in_public_subnets, tags)
OF_ROOT: dict[str, tuple[Callable[[Plan, Answers], Iterator[str]], ...]] = {
    "bootstrap": EVERYWHERE,
    "platform": (*EVERYWHERE, subnets_and_routes),
    "service": EVERYWHERE,
}


def broken(plan: Plan, answers: Answers) -> dict[str, list[str]]:
    """Promises that a plan breaks, by name, with the places."""
    found = {promise.__name__: list(promise(plan, answers)) for promise in OF_ROOT[plan.case.root]}
    return {name: places for name, places in found.items() if places}
