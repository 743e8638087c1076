"""Bootstrap: the state's bucket, and who of GitHub may take which role."""

import json
from typing import Any

import pytest

from tests.infrastructure.promises import WIDE
from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import ENVIRONMENTS, LARGE, Case, cases

ACCOUNTS = [pytest.param(case, id=str(case)) for case in cases("bootstrap")]


def subjects(plans: Planner, case: Case) -> dict[str, set[str]]:
    """Subjects that each role trusts, by the role's key."""
    found = {}
    for address, document in plans(case).documents.items():
        if ".trust[" in address:
            found[address.split('"')[1]] = conditions(document)["sub"]
    return found


def conditions(document: dict[str, Any]) -> dict[str, set[str]]:
    """Claims that a trust policy asks for, each with the values that it takes."""
    (statement,) = document["statement"]
    assert {each["test"] for each in statement["condition"]} == {"StringEquals"}
    found = {each["variable"].rsplit(":")[-1]: set(each["values"]) for each in statement["condition"]}
    assert found["aud"] == {"sts.amazonaws.com"}
    return found


@pytest.mark.parametrize("case", ACCOUNTS)
def test_roles_trust_both_forms_of_the_subject_and_no_other_claims(case: Case, plans: Planner) -> None:
    classic, exact = f"repo:acme/{case.variant}:", f"repo:acme@1001/{case.variant}@2002:"
    main = "ref:refs/heads/main"
    claims = {"plan": {"pull_request", main}, "push": {main}}
    claims |= {f"deploy-{environment}": {f"environment:{environment}"} for environment in ENVIRONMENTS[case.variant]}
    claims |= {f"apply-{environment}": {f"environment:{environment}-infrastructure"} for environment in ENVIRONMENTS[case.variant]}
    assert subjects(plans, case) == {
        role: {repository + claim for repository in (classic, exact) for claim in each} for role, each in claims.items()
    }


@pytest.mark.parametrize("case", ACCOUNTS)
def test_roles_are_taken_from_the_main_branch_in_their_own_environment(case: Case, plans: Planner) -> None:
    """GitHub makes environments without protection, so the subject alone lets any branch name one.

    AWS tests these claims since January 2026, and never with ForAllValues: a missing claim would pass.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    for address, document in plans(case).documents.items():
        if ".trust[" not in address:
            continue
        role, found = address.split('"')[1], conditions(document)
        assert found["repository_id"] == {"2002"}
        assert found.get("ref") == (None if role == "plan" else {"refs/heads/main"})
        kind, _, environment = role.partition("-")
        wanted = {"deploy": {environment}, "apply": {f"{environment}-infrastructure"}}.get(kind)
        assert found.get("environment") == wanted


def test_without_its_id_a_repository_is_known_by_its_name_alone(plans: Planner) -> None:
    plan = plans.with_answers(Case("sandbox", "bootstrap", "account"), "github_owner_id=", "github_repository_id=")
    for address, document in plan.documents.items():
        if ".trust[" in address:
            assert "repository_id" not in conditions(document)


@pytest.mark.parametrize("case", ACCOUNTS)
def test_a_deploy_role_reaches_its_own_environment_alone(case: Case, plans: Planner) -> None:
    documents = plans(case).documents
    for environment in ENVIRONMENTS[case.variant]:
        statements = {s["sid"]: s["resources"] for s in documents[f'data.aws_iam_policy_document.deploy["{environment}"]']["statement"]}
        (cluster,), (contract,), (target,) = statements["FindCluster"], statements["ReadContract"], statements["Push"]
        platform = "shared" if case.joins else case.variant
        assert cluster.endswith(f":cluster/{platform}-{environment}")
        assert contract.endswith(f":parameter/service/{case.variant}/{environment}/contract")
        assert target.endswith(f":repository/{case.variant}/{environment}/*")
        # The only statement for all resources is the token for any registry, which grants nothing alone.
        assert {sid for sid, resources in statements.items() if resources == ["*"]} == {"LogIn"}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_what_any_workflow_of_main_may_push_reaches_the_first_environment_alone(case: Case, plans: Planner) -> None:
    first = ENVIRONMENTS[case.variant][0]
    document = plans(case).documents["data.aws_iam_policy_document.push"]
    statements = {s["sid"]: s["resources"] for s in document["statement"]}
    assert [resource.split(":")[-1] for resource in statements["Push"]] == [f"repository/{case.variant}/{first}/*"]
    assert [resource.split(":")[-1] for resource in statements["ReadContract"]] == [f"parameter/service/{case.variant}/{first}/contract"]
    assert set(statements) == {"LogIn", "Push", "ReadContract"}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_the_plan_role_reads_no_secret(case: Case, plans: Planner) -> None:
    blocks = dict(plans(case).blocks())["data.aws_iam_policy_document.plan"]["expressions"]["statement"]
    denied = {
        action
        for block in blocks
        if block.get("effect", {}).get("constant_value") == "Deny"
        for action in block["actions"].get("constant_value", [])
    }
    assert denied == {"secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"}
    attached = [resource["policy_arn"] for resource in plans(case).of("aws_iam_role_policy_attachment")]
    assert [arn.rsplit("/")[-1] for arn in attached] == ["ReadOnlyAccess"]


@pytest.mark.parametrize("case", ACCOUNTS)
def test_the_state_lives_in_a_bucket_named_after_service_account_and_region(case: Case, plans: Planner) -> None:
    assert plans(case).one("aws_s3_bucket", "module.state")["bucket"] == f"{case.variant}-tfstate-123456789012-{case.region}"


@pytest.mark.parametrize("case", ACCOUNTS)
def test_an_account_gets_one_provider_for_github(case: Case, plans: Planner) -> None:
    assert len(plans(case).of("aws_iam_openid_connect_provider")) == (0 if case.joins else 1)


def test_only_canary_releases_read_the_load_balancer(plans: Planner) -> None:
    for case in cases("bootstrap"):
        documents = {address: text for address, text in plans(case).documents.items() if address not in WIDE}
        reads = "elasticloadbalancing:" in json.dumps(documents)
        assert reads == (case.variant in LARGE)


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service")])
def test_every_role_is_bounded(case: Case, plans: Planner) -> None:
    roles = plans(case).of("aws_iam_role")
    assert roles
    assert not [role for role in roles if not role.given("permissions_boundary")]
    known = {role["permissions_boundary"].rsplit("/")[-1] for role in roles if role["permissions_boundary"]}
    of_account = {f"{case.variant}-boundary"} if case.root == "bootstrap" else set()
    environments = ENVIRONMENTS[case.variant] if case.root == "bootstrap" else (case.environment,)
    assert known <= of_account | {f"{case.variant}-{environment}-boundary" for environment in environments}
