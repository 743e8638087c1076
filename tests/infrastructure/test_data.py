"""Database, cache, secrets, images and identities of the service: rows I3, I4, I5, I7 and I8."""

import json

import pytest
import yaml

from tests.harness import ROOT
from tests.infrastructure.emulator import ACCOUNT
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import ENVIRONMENTS, EVERYTHING, LARGE, Case, cases

SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]
VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
FULL = [Case(variant, "service", "production") for variant in ("startup", "production", "regulated", EVERYTHING)]
SECRETS = {"cache", "database-app", "database-master", "database-migrations", "external-api-keys", "jwt-signing", "session"}


@pytest.mark.parametrize("case", SERVICES)
def test_the_database_is_private_backed_up_and_hard_to_lose(case: Case, plans: Planner) -> None:
    database = plans(case).one("aws_db_instance", "module.database")
    assert database["engine_version"] == VERSIONS["postgresql"]
    assert database["storage_encrypted"]
    assert not database["publicly_accessible"]
    assert database["multi_az"] == (case in FULL or case.variant in {"joined", "elsewhere"})
    assert database["backup_retention_period"] >= 7
    assert database["deletion_protection"]
    assert not database["skip_final_snapshot"]
    assert not database["manage_master_user_password"]
    assert not database["password"]
    assert not database["password_wo"]
    assert database["engine_lifecycle_support"] == "open-source-rds-extended-support-disabled"
    assert set(database["enabled_cloudwatch_logs_exports"]) == {"postgresql", "upgrade"}
    assert database["max_allocated_storage"] == 4 * database["allocated_storage"]


@pytest.mark.parametrize("case", SERVICES)
def test_the_database_takes_tls_alone_and_logs_what_is_slow(case: Case, plans: Planner) -> None:
    groups = plans(case).of("aws_db_parameter_group")
    assert groups
    for group in groups:
        settings = {setting["name"]: setting["value"] for setting in group["parameter"]}
        assert settings["rds.force_ssl"] == "1"
        assert settings["log_min_duration_statement"] == "500"


@pytest.mark.parametrize("case", SERVICES)
def test_the_cache_takes_tls_alone_and_fails_over_where_it_has_a_replica(case: Case, plans: Planner) -> None:
    groups = plans(case).of("aws_elasticache_replication_group")
    two = case.variant in LARGE
    assert {group.key for group in groups} == ({"main", "lru"} if two else {"main"})
    for group in groups:
        assert (group["engine"], group["engine_version"]) == ("valkey", VERSIONS["valkey"])
        assert group["transit_encryption_enabled"]
        assert group["transit_encryption_mode"] == "required"
        assert group["at_rest_encryption_enabled"] == "true"
        assert group["num_node_groups"] == 1
        assert group["automatic_failover_enabled"] == group["multi_az_enabled"] == (group["replicas_per_node_group"] > 0)
        assert group["snapshot_retention_limit"] == 7
        assert len(group["replication_group_id"]) <= 40
    eviction = {group.key: group["parameter"] for group in plans(case).of("aws_elasticache_parameter_group")}
    assert {key: [p["value"] for p in parameters] for key, parameters in eviction.items()} == (
        {"main": ["noeviction"], "lru": ["allkeys-lru"]} if two else {"main": ["noeviction"]}
    )


@pytest.mark.parametrize("case", SERVICES)
def test_the_cache_knows_one_user_who_may_not_do_everything(case: Case, plans: Planner) -> None:
    users = {user["user_name"]: user["access_string"] for user in plans(case).of("aws_elasticache_user")}
    assert set(users) == {"app", "default"}
    assert users["default"].startswith("off ")
    assert "-@dangerous" in users["app"]
    assert all(user["authentication_mode"][0]["type"] == "password" for user in plans(case).of("aws_elasticache_user"))


@pytest.mark.parametrize("case", SERVICES)
def test_secrets_are_written_without_passing_through_the_plan(case: Case, plans: Planner) -> None:
    plan = plans(case)
    prefix = f"{case.variant}/{case.environment}/"
    assert {secret["name"] for secret in plan.of("aws_secretsmanager_secret")} == {prefix + name for name in SECRETS}
    versions = plan.of("aws_secretsmanager_secret_version")
    assert len(versions) == len(SECRETS)
    for version in versions:
        assert version["secret_string_wo_version"] == 1
        assert not version["secret_string"]
        assert not version["secret_string_wo"]
    assert "random_password" not in json.dumps(plan.document["resource_changes"])


@pytest.mark.parametrize("case", SERVICES)
def test_image_tags_never_move_and_old_images_go(case: Case, plans: Planner) -> None:
    plan = plans(case)
    repositories = {repository["name"]: repository for repository in plan.of("aws_ecr_repository")}
    assert set(repositories) == {f"{case.variant}/{case.environment}/{image}" for image in ("api", "migrate", "worker")}
    for repository in repositories.values():
        assert repository["image_tag_mutability"] == "IMMUTABLE"
        assert repository["image_scanning_configuration"] == [{"scan_on_push": True}]
    rules = json.loads(plan.of("aws_ecr_lifecycle_policy")[0]["policy"])["rules"]
    assert [(rule["selection"]["tagStatus"], rule["selection"]["countNumber"]) for rule in rules] == [
        ("tagged", 30),
        ("untagged", 7),
        ("any", 30),
    ]


@pytest.mark.parametrize("case", SERVICES)
def test_each_service_account_has_a_role_and_only_the_worker_of_ses_a_policy(case: Case, plans: Planner) -> None:
    plan = plans(case)
    accounts = {(resource["namespace"], resource["service_account"]) for resource in plan.of("aws_eks_pod_identity_association")}
    assert accounts == {(case.variant, name) for name in ("api", "metrics", "migrate", "worker")}
    assert roles_with_policies(plan, case) == ({"worker"} if case.variant in LARGE else set())


def roles_with_policies(plan: Plan, case: Case) -> set[str]:
    """Service accounts whose role has a policy."""
    named = {resource["role"] for resource in plan.of("aws_iam_role_policy")}
    return {name for name in ("api", "migrate", "worker") if f"{case.variant}-{case.environment}-{name}" in named}


@pytest.mark.parametrize("case", SERVICES)
def test_external_secrets_reads_this_services_path_and_nothing_wider(case: Case, plans: Planner) -> None:
    expressions = dict(plans(case).blocks())["data.aws_iam_policy_document.read_secrets"]["expressions"]["statement"]
    actions = {action for statement in expressions for action in statement["actions"]["constant_value"]}
    assert actions == {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "kms:Decrypt"}
    roles = {resource.address: resource["role"] for resource in plans(case).of("aws_iam_role_policy")}
    assert roles["aws_iam_role_policy.read_secrets"] == f"{case.variant}-{case.environment}-secrets-reader"


@pytest.mark.parametrize("case", SERVICES)
def test_this_services_reader_trusts_the_operator_whose_role_no_service_writes(case: Case, plans: Planner) -> None:
    """One operator serves a platform. A store of service A must not read what belongs to B (External Secrets, guides/multi-tenancy)."""
    plan = plans(case)
    platform = "shared" if case.variant == "joined" else case.variant
    # The contract that every plan of a variant reads is that of its last environment.
    operator = f"arn:aws:iam::{ACCOUNT}:role/{platform}-{ENVIRONMENTS[case.variant][-1]}-external-secrets"
    (statement,) = json.loads(plan.documents["data.aws_iam_policy_document.secrets_reader_trust"]["json"])["Statement"]
    assert set(statement["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert statement["Principal"] == {"AWS": operator}
    assert not [each for each in plan.of("aws_iam_role_policy") if each["role"].endswith("-external-secrets")]


@pytest.mark.parametrize("case", SERVICES)
def test_the_deploy_role_enters_the_cluster_without_a_right(case: Case, plans: Planner) -> None:
    entry = plans(case).one("aws_eks_access_entry")
    assert entry["principal_arn"].endswith(f":role/{case.variant}-{case.environment}-deploy")
    assert entry["kubernetes_groups"] == [f"{case.variant}-deployers"]
    assert not plans(case).of("aws_eks_access_policy_association")


@pytest.mark.parametrize("case", SERVICES)
def test_a_host_name_brings_zone_and_certificate(case: Case, plans: Planner) -> None:
    zones = [zone["name"] for zone in plans(case).of("aws_route53_zone")]
    hosts = {"production": "api.example.com", "staging": "staging.api.example.com", "dev": "dev.api.example.com"}
    expected = [hosts[case.environment]] if case.variant in LARGE else []
    assert zones == expected
    assert [certificate["domain_name"] for certificate in plans(case).of("aws_acm_certificate")] == expected
