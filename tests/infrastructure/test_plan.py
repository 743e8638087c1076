"""Every root of every environment can be planned, and the plans keep the promises that apply everywhere."""

import json
from typing import Any

import pytest
import yaml

from tests.harness import ROOT
from tests.infrastructure.promises import WIDE
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import EVERYTHING, VARIANTS, Case, cases

EVERY = [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service")]
REGIONS = yaml.safe_load((ROOT / "extensions/catalogue/regions.yaml").read_text(encoding="utf-8"))["names"].split()

# Warnings of a project that has no administrators yet.
EXPECTED_WARNINGS = {"platform": {"somebody_administers_the_cluster"}}


@pytest.mark.parametrize("case", EVERY)
def test_it_plans_without_changes_or_surprises(case: Case, plans: Planner) -> None:
    plan = plans(case)
    assert plan.changes
    assert {tuple(change["change"]["actions"]) for change in plan.document["resource_changes"]} <= {("create",), ("read",)}
    assert plan.warnings() == EXPECTED_WARNINGS.get(case.root, set())


@pytest.mark.parametrize("case", EVERY)
def test_everything_that_takes_tags_has_them(case: Case, plans: Planner) -> None:
    wanted = {"ManagedBy": "terraform", "Owner": "owner@example.com", "Root": case.root, "Team": "payments"}
    if case.root != "bootstrap":
        wanted["Environment"] = case.environment
    tagged = [resource for resource in plans(case).changes if "tags_all" in resource.values]
    assert tagged
    assert not [resource for resource in tagged if not wanted.items() <= resource["tags_all"].items()]


@pytest.mark.parametrize("case", EVERY)
def test_only_a_dr_region_brings_a_second_region(case: Case, plans: Planner) -> None:
    plan = plans(case)
    keeps_copies = case == Case(EVERYTHING, "service", "production")
    others = {region for region in REGIONS if region != case.region and region in json.dumps(plan.document["resource_changes"])}
    assert others == ({"ap-southeast-2"} if keeps_copies else set())
    away = {block["provider_config_key"] for _, block in plan.blocks() if "dr_region" in block["provider_config_key"]}
    assert bool(away) == (case.variant == EVERYTHING and case.root == "service")
    assert bool(plan.of("aws_backup_vault", "module.disaster_recovery")) == keeps_copies


@pytest.mark.parametrize("case", EVERY)
def test_no_role_may_do_everything(case: Case, plans: Planner) -> None:
    documents = plans(case).documents
    assert documents
    wide = [
        (address, action)
        for address, document in documents.items()
        for statement in document["statement"] or []
        if address not in WIDE
        for action in statement.get("actions") or []
        if statement.get("effect") != "Deny" and (action == "*" or action.endswith(":*")) and not _is_key_policy(address, statement)
    ]
    assert not wide


def _is_key_policy(address: str, statement: dict[str, Any]) -> bool:
    """A key's own policy has to give the account all rights, or nobody could ever change it."""
    return ("key" in address.split(".data.", maxsplit=1)[0]) and statement["sid"] == "AccountDecidesThroughIam"


def protected(plan: Plan) -> dict[str, bool]:
    """Return, for each resource that stores data, whether it is encrypted with a key of the project and not public."""
    found: dict[str, bool] = {}
    for kind, argument in {
        "aws_cloudtrail": "kms_key_id",
        "aws_cloudwatch_log_group": "kms_key_id",
        "aws_db_instance": "kms_key_id",
        "aws_elasticache_replication_group": "kms_key_id",
        "aws_scheduler_schedule": "kms_key_arn",
        "aws_secretsmanager_secret": "kms_key_id",
        "aws_sns_topic": "kms_master_key_id",
    }.items():
        found |= {resource.address: resource.given(argument) for resource in plan.of(kind)}
    for resource in plan.of("aws_ecr_repository"):
        found[resource.address] = resource["encryption_configuration"][0]["encryption_type"] == "KMS"
    for resource in plan.of("aws_eks_cluster"):
        found[resource.address] = resource["encryption_config"][0]["resources"] == ["secrets"]
    for resource in plan.of("aws_launch_template"):
        found[resource.address] = resource["block_device_mappings"][0]["ebs"][0]["encrypted"] == "true"
    return found


@pytest.mark.parametrize("case", EVERY)
def test_everything_that_holds_data_is_encrypted(case: Case, plans: Planner) -> None:
    found = protected(plans(case))
    assert found or case.root == "bootstrap"
    assert not [address for address, encrypted in found.items() if not encrypted]


@pytest.mark.parametrize("case", EVERY)
def test_every_bucket_is_private_versioned_encrypted_and_speaks_tls(case: Case, plans: Planner) -> None:
    plan = plans(case)
    buckets = {bucket.address.removesuffix(".aws_s3_bucket.this") for bucket in plan.of("aws_s3_bucket")}
    assert bool(buckets) == (case.root != "service")
    for module in buckets:
        closed = plan.one("aws_s3_bucket_public_access_block", module)
        assert all(closed[name] for name in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"))
        assert plan.one("aws_s3_bucket_versioning", module)["versioning_configuration"][0]["status"] == "Enabled"
        rule = plan.one("aws_s3_bucket_server_side_encryption_configuration", module)["rule"][0]
        algorithm = rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"]
        assert algorithm == ("AES256" if module == "module.load_balancer_logs" else "aws:kms")  # ALBs cannot use a KMS key
        statements = next(document["statement"] for address, document in plan.documents.items() if address.startswith(f"{module}.data"))
        assert any(statement["sid"] == "TlsOnly" and statement["effect"] == "Deny" for statement in statements)


def test_every_variant_has_a_name_of_its_own() -> None:
    assert len({answers["service"] for answers in VARIANTS.values()}) == len(VARIANTS)
