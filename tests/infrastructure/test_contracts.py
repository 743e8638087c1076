"""The two contracts: what the platform tells services, and what a service tells its deploy."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import ACCOUNT
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import EVERYTHING, LARGE, VARIANTS, Case, cases

LIMIT = 4096
"""Bytes of a standard parameter."""

SERVICE_KEYS = {
    "version",
    "service",
    "environment",
    "region",
    "account_id",
    "cluster_name",
    "namespace",
    "api_repository_url",
    "worker_repository_url",
    "migrate_repository_url",
    "database_host",
    "database_port",
    "database_name",
    "database_app_secret",
    "database_migrations_secret",
    "database_master_secret_arn",
    "cache_host",
    "cache_port",
    "cache_secret",
    "jwt_secret",
    "session_secret",
    "external_api_keys_secret",
    "secrets_reader_role_arn",
    "certificate_arn",
    "host",
    "alb_security_group_id",
    "alb_log_bucket",
    "public_subnet_ids",
    "public_subnet_cidrs",
    "database_subnet_cidrs",
}
TWO_CACHES = {"lru_cache_host", "lru_cache_port"}
LONGEST_UNKNOWN = "x" * 160
"""Longer than any ARN, host or URL that AWS gives to these resources."""

PLATFORMS = [pytest.param(case, id=str(case)) for case in cases("platform")]
SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]


def largest(plan: Plan) -> int:
    """Bytes of the contract if every value that AWS has yet to give were as long as it can be."""
    known, keys = plan.output("contract")
    document: dict[str, Any] = {key: known.get(key) or LONGEST_UNKNOWN for key in keys}
    for key in keys:
        if key.endswith("_ids") and not known.get(key):
            document[key] = ["subnet-0123456789abcdef0"] * 3
    return len(json.dumps(document).encode())


def example_of(project: Path) -> dict[str, Any]:
    """The example of a platform's contract in a rendered project."""
    example: dict[str, Any] = json.loads((project / "infra/service/platform-contract.example.json").read_text(encoding="utf-8"))
    return example


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_example_has_the_shape_that_the_platform_publishes(case: Case, plans: Planner, render: Renderer) -> None:
    example = example_of(render(VARIANTS[case.variant]))
    known, keys = plans(case).output("contract")
    assert set(example["value"]) == keys
    parameter = plans(case).one("aws_ssm_parameter")
    assert example["parameter"] == parameter["name"].replace(f"/{case.environment}/", f"/{example['value']['environment']}/")
    for key, value in known.items():
        if value is not None:
            assert type(example["value"][key]) is type(value), key


@pytest.mark.parametrize("case", PLATFORMS)
def test_the_example_has_the_values_that_the_platform_publishes(case: Case, plans: Planner, render: Renderer) -> None:
    """Where the plan knows a value, the example shows it: an example that lies teaches the wrong names."""
    example = example_of(render(VARIANTS[case.variant]))["value"]
    if example["environment"] != case.environment:
        return
    known: dict[str, Any] = json.loads(json.dumps(plans(case).output("contract")[0]).replace(ACCOUNT, example["account_id"]))
    # The example shows the networks of the default range.
    shown = {key: value for key, value in known.items() if value is not None and not key.endswith(("_ids", "_cidrs"))}
    assert {"cluster_name", "alb_log_bucket", "external_secrets_role_name"} <= set(shown)
    assert {key: example[key] for key in shown} == shown


@pytest.mark.parametrize("case", SERVICES)
def test_a_service_publishes_these_keys_and_no_other(case: Case, plans: Planner) -> None:
    extra = set()
    if case.variant in LARGE:
        extra = TWO_CACHES | {"firewall_acl_arn"}
    if case.variant == EVERYTHING:
        extra |= {"dns_failover", "dns_health_check_id", "dns_set_identifier"}
    assert plans(case).output("contract")[1] == SERVICE_KEYS | extra


@pytest.mark.parametrize("case", SERVICES)
def test_a_service_names_its_secrets_and_never_shows_them(case: Case, plans: Planner) -> None:
    known, _ = plans(case).output("contract")
    prefix = f"{case.variant}/{case.environment}/"
    shown = {key: known[key] for key in SERVICE_KEYS if key.endswith("_secret")}
    assert shown == {
        "cache_secret": f"{prefix}cache",
        "database_app_secret": f"{prefix}database-app",
        "database_migrations_secret": f"{prefix}database-migrations",
        "external_api_keys_secret": f"{prefix}external-api-keys",
        "jwt_secret": f"{prefix}jwt-signing",
        "session_secret": f"{prefix}session",
    }
    assert known["host"] == ("" if case.variant in {"sandbox", "startup", "elsewhere", "joined"} else known["host"])


@pytest.mark.parametrize("case", SERVICES)
def test_a_certificate_is_published_once_it_is_issued(case: Case, plans: Planner) -> None:
    """The controller refuses a listener with a pending certificate (ACM waits for the delegation), so nothing would answer.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.5.0/docs/guide/ingress/cert_discovery.md
    """
    assert plans(case).output("contract")[0]["certificate_arn"] == ""


def test_a_delegated_zone_publishes_its_certificate(plans: Planner) -> None:
    plan = plans.with_answers(Case("production", "service", "production"), "domain_delegated=true", "environments_below=[]")
    known, keys = plan.output("contract")
    assert "certificate_arn" in keys - set(known)
    assert plan.of("aws_acm_certificate_validation")


def test_environments_below_are_delegated_before_the_zone_above(plans: Planner) -> None:
    case = Case("production", "service", "production")
    assert plans.with_answers(case, "domain_delegated=true").warnings() == {"environments_below_stay_delegated"}
    servers = '["ns-1.example.net","ns-2.example.org"]'
    plan = plans.with_answers(case, "domain_delegated=true", f"delegations={{dev={servers},staging={servers}}}")
    assert plan.warnings() == set()
    assert {record["name"] for record in plan.of("aws_route53_record") if record["type"] == "NS"} == {
        "dev.api.example.com",
        "staging.api.example.com",
    }


@pytest.mark.parametrize("case", PLATFORMS + SERVICES)
def test_a_contract_fits_into_a_parameter(case: Case, plans: Planner) -> None:
    assert largest(plans(case)) < LIMIT
    assert plans(case).one("aws_ssm_parameter")["type"] == "String"


def test_two_services_on_one_platform_share_nothing_else(plans: Planner) -> None:
    joined, owner = plans(Case("joined", "service", "production")), plans(Case("startup", "service", "production"))
    keys = ("name", "identifier", "replication_group_id", "user_id")
    names = [{str(resource[key]) for resource in plan.changes for key in keys if resource[key]} for plan in (joined, owner)]
    shared = {name for name in names[0] & names[1] if name not in {"app", "default", "write", "rds.force_ssl", "read-secrets"}}
    assert not shared
    assert not joined.of("aws_vpc")
