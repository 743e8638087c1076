"""Simulated, call by call: nobody inside a boundary gets out of it, and what an apply, a deploy and a destroy call stays allowed."""

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.emulator import ACCOUNT
from tests.infrastructure.policies import Call, Document, allowed, parse
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import ENVIRONMENTS, EVERYTHING, LARGE, Case, cases

ADMINISTRATOR: Document = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
"""The worst that can be attached to a role."""

RECORDED = Path(__file__).parent / "recorded_calls.txt"
PATTERN: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def evaluated(*statements: Mapping[str, Any], call: Call) -> bool:
    return allowed(call, [{"Statement": [{**PATTERN, **statement} for statement in statements]}], ADMINISTRATOR)


GET = Call("s3:GetObject", "arn:aws:s3:::bucket/a/b", {"aws:PrincipalTag/team": "red"})
SEMANTICS: dict[str, tuple[bool, bool]] = {
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
    "no statement is a refusal": (evaluated({"Action": "ec2:*"}, call=GET), False),
    "a statement allows": (evaluated({"Action": "s3:Get*"}, call=GET), True),
    "a refusal wins": (evaluated({}, {"Effect": "Deny", "Action": "s3:GetObject"}, call=GET), False),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    "a boundary grants nothing": (allowed(GET, [{"Statement": []}], ADMINISTRATOR), False),
    "a boundary takes away": (allowed(GET, [ADMINISTRATOR], {"Statement": [{**PATTERN, "Action": "ec2:*"}]}), False),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    "actions know no case": (evaluated({"Action": "S3:getobject"}, call=GET), True),
    "NotAction is everything else": (
        allowed(GET, [{"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}], ADMINISTRATOR),
        True,
    ),
    "NotResource is everything else": (
        allowed(
            GET, [ADMINISTRATOR, {"Statement": {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}}], ADMINISTRATOR
        ),
        False,
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    "a wildcard goes over slashes": (evaluated({"Resource": "arn:aws:s3:::bucket/*"}, call=GET), True),
    "a question mark is one character": (evaluated({"Resource": "arn:aws:s3:::bucket/a/?"}, call=GET), True),
    "resources know case": (evaluated({"Resource": "arn:aws:s3:::Bucket/*"}, call=GET), False),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    "a key that is missing fails": (evaluated({"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}, call=GET), False),
    "a negated operator passes without its key": (
        evaluated({"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}, call=GET),
        True,
    ),
    "IfExists passes without its key": (evaluated({"Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}}, call=GET), True),
    "Null asks for absence": (evaluated({"Condition": {"Null": {"aws:SourceVpc": "true"}}}, call=GET), True),
    "values are alternatives": (evaluated({"Condition": {"StringEquals": {"aws:PrincipalTag/team": ["blue", "red"]}}}, call=GET), True),
    "keys know no case": (evaluated({"Condition": {"StringLike": {"AWS:principaltag/team": "r*"}}}, call=GET), True),
    "all conditions hold": (
        evaluated({"Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}, "Bool": {"aws:SecureTransport": "true"}}}, call=GET),
        False,
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    "ForAllValues passes without its key": (
        evaluated({"Condition": {"ForAllValues:StringEquals": {"token.actions.githubusercontent.com:sub": "x"}}}, call=GET),
        True,
    ),
}


@pytest.mark.parametrize("rule", SEMANTICS)
def test_the_evaluator_keeps_iams_rules(rule: str) -> None:
    found, expected = SEMANTICS[rule]
    assert found == expected


def test_an_unknown_operator_is_no_pass() -> None:
    with pytest.raises(KeyError):
        evaluated({"Condition": {"NumericLessThan": {"aws:PrincipalTag/team": "1"}}}, call=GET)


def boundary(plan: Plan, key: str) -> Document:
    """The boundary of an environment, or of the account."""
    return parse(plan.documents[f'data.aws_iam_policy_document.boundary["{key}"]']["json"])


# The attacker has everything in dev of the service `shop`, whose account holds production, other teams and their secrets too.
SERVICE = "startup"
ROLE, POLICY = f"arn:aws:iam::{ACCOUNT}:role", f"arn:aws:iam::{ACCOUNT}:policy"
BOUNDED = {"iam:PermissionsBoundary": f"{POLICY}/{SERVICE}-dev-boundary"}
FOREIGN = {"iam:PermissionsBoundary": f"{POLICY}/billing-dev-boundary"}
OWN, DOOR, OTHER = f"{ROLE}/{SERVICE}-dev-worker", f"{ROLE}/{SERVICE}-dev-apply", f"{ROLE}/{SERVICE}-production-worker"
TAGGED = {"aws:ResourceTag/Environment": "production"}
REGIONAL = f"ap-southeast-1:{ACCOUNT}"

ESCALATIONS: dict[str, Call] = {
    "rewrite the trust of an administrator": Call("iam:UpdateAssumeRolePolicy", f"{ROLE}/Admin"),
    "rewrite the trust of production": Call("iam:UpdateAssumeRolePolicy", OTHER),
    "rewrite the trust of a door": Call("iam:UpdateAssumeRolePolicy", DOOR),
    "attach Admin to a role without a boundary": Call("iam:AttachRolePolicy", f"{ROLE}/Admin"),
    "attach Admin to a door": Call("iam:AttachRolePolicy", DOOR, BOUNDED),
    "attach Admin to production": Call(
        "iam:AttachRolePolicy", OTHER, {"iam:PermissionsBoundary": f"{POLICY}/{SERVICE}-production-boundary"}
    ),
    "attach Admin to another project": Call("iam:AttachRolePolicy", f"{ROLE}/billing-dev-api", FOREIGN),
    "write a policy into another project's role": Call("iam:PutRolePolicy", f"{ROLE}/billing-dev-api", FOREIGN),
    "write a policy into a door": Call("iam:PutRolePolicy", f"{ROLE}/{SERVICE}-dev-deploy", BOUNDED),
    "take a refusal off a foreign role": Call("iam:DeleteRolePolicy", f"{ROLE}/Auditor"),
    "detach a guard rail from a foreign role": Call("iam:DetachRolePolicy", f"{ROLE}/Auditor"),
    "delete a foreign role": Call("iam:DeleteRole", f"{ROLE}/Auditor"),
    "pass an administrator to a machine": Call("iam:PassRole", f"{ROLE}/Admin", {"iam:PassedToService": "ec2.amazonaws.com"}),
    "pass production's role": Call("iam:PassRole", OTHER),
    "pass a door": Call("iam:PassRole", f"{ROLE}/{SERVICE}-dev-deploy"),
    "become an administrator": Call("sts:AssumeRole", f"{ROLE}/OrganizationAccountAccessRole"),
    "become production's apply": Call("sts:AssumeRole", f"{ROLE}/{SERVICE}-production-apply"),
    "become another account": Call("sts:AssumeRole", "arn:aws:iam::999999999999:role/Admin"),
    "become production's reader of secrets": Call("sts:AssumeRole", f"{ROLE}/billing-production-secrets-reader"),
    "make a role without a boundary": Call("iam:CreateRole", f"{ROLE}/{SERVICE}-dev-x"),
    "make a role inside production's boundary": Call(
        "iam:CreateRole", f"{ROLE}/{SERVICE}-dev-x", {"iam:PermissionsBoundary": f"{POLICY}/{SERVICE}-production-boundary"}
    ),
    "make a role inside another project's boundary": Call("iam:CreateRole", f"{ROLE}/{SERVICE}-dev-x", FOREIGN),
    "make a role inside the account's boundary": Call(
        "iam:CreateRole", f"{ROLE}/{SERVICE}-dev-x", {"iam:PermissionsBoundary": f"{POLICY}/{SERVICE}-boundary"}
    ),
    "make a role of another name": Call("iam:CreateRole", f"{ROLE}/x", BOUNDED),
    "widen a boundary": Call(
        "iam:PutRolePermissionsBoundary", OWN, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    ),
    "drop a boundary": Call("iam:DeleteRolePermissionsBoundary", OWN, BOUNDED),
    "edit the boundary": Call("iam:CreatePolicyVersion", f"{POLICY}/{SERVICE}-dev-boundary"),
    "restore an older boundary": Call("iam:SetDefaultPolicyVersion", f"{POLICY}/{SERVICE}-dev-boundary"),
    "make a policy that is called boundary": Call("iam:CreatePolicy", f"{POLICY}/x-boundary"),
    "delete a boundary": Call("iam:DeletePolicy", f"{POLICY}/{SERVICE}-production-boundary"),
    "make a person": Call("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x"),
    "make an access key": Call("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/owner"),
    "set a password": Call("iam:UpdateLoginProfile", f"arn:aws:iam::{ACCOUNT}:user/owner"),
    "give a person Admin": Call("iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/x"),
    "join the administrators": Call("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/admins"),
    "switch off a second factor": Call("iam:DeactivateMFADevice", f"arn:aws:iam::{ACCOUNT}:user/owner"),
    "put a role into an instance profile": Call("iam:AddRoleToInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/x"),
    "trust an issuer of one's own": Call("iam:CreateOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/evil.example"),
    "change the trust in GitHub": Call(
        "iam:AddClientIDToOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    ),
    "trust an identity provider": Call("iam:CreateSAMLProvider", f"arn:aws:iam::{ACCOUNT}:saml-provider/x"),
    "read another service's secret": Call(
        "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:billing/dev/session-AbCdEf"
    ),
    "read production's secret": Call(
        "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/production/session-Ab"
    ),
    "write production's secret": Call(
        "secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/production/session-Ab"
    ),
    "show a secret to another account": Call(
        "secretsmanager:PutResourcePolicy", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/dev/session-A"
    ),
    "read production's state": Call("s3:GetObject", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1/production/service.tfstate"),
    "rewrite bootstrap's state": Call("s3:PutObject", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1/bootstrap.tfstate"),
    "open the states": Call("s3:PutBucketPolicy", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1"),
    "delete the states": Call("s3:DeleteBucket", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1"),
    "read a foreign bucket": Call("s3:GetObject", "arn:aws:s3:::payroll/2026.csv"),
    "delete the key of the states": Call("kms:ScheduleKeyDeletion", f"arn:aws:kms:{REGIONAL}:key/1", {"aws:ResourceTag/Root": "bootstrap"}),
    "decrypt with production's key": Call("kms:Decrypt", f"arn:aws:kms:{REGIONAL}:key/2", TAGGED),
    "delete production's database": Call("rds:DeleteDBInstance", f"arn:aws:rds:{REGIONAL}:db:{SERVICE}-production", TAGGED),
    "change production's master password": Call("rds:ModifyDBInstance", f"arn:aws:rds:{REGIONAL}:db:{SERVICE}-production", TAGGED),
    "show a snapshot to another account": Call("rds:ModifyDBSnapshotAttribute", f"arn:aws:rds:{REGIONAL}:snapshot:{SERVICE}-dev-final"),
    "tag a thing as production's": Call(
        "ec2:CreateTags", f"arn:aws:ec2:{REGIONAL}:vpc/vpc-1", {"aws:RequestTag/Environment": "production"}
    ),
    "retag a thing of production": Call("ec2:DeleteTags", f"arn:aws:ec2:{REGIONAL}:vpc/vpc-1", TAGGED),
    "enter production's cluster": Call("eks:CreateAccessEntry", f"arn:aws:eks:{REGIONAL}:cluster/{SERVICE}-production"),
    "administer a foreign cluster": Call("eks:AssociateAccessPolicy", f"arn:aws:eks:{REGIONAL}:access-entry/billing-dev/role/1/x/y"),
    "give production's pods a role": Call("eks:CreatePodIdentityAssociation", f"arn:aws:eks:{REGIONAL}:cluster/{SERVICE}-production"),
    "overwrite production's image": Call("ecr:BatchDeleteImage", f"arn:aws:ecr:{REGIONAL}:repository/{SERVICE}/production/api", TAGGED),
    "rewrite production's contract": Call("ssm:PutParameter", f"arn:aws:ssm:{REGIONAL}:parameter/service/{SERVICE}/production/contract"),
    "rewrite another platform's contract": Call("ssm:PutParameter", f"arn:aws:ssm:{REGIONAL}:parameter/platform/billing/dev/contract"),
    "run a command on a machine": Call("ssm:SendCommand", f"arn:aws:ec2:{REGIONAL}:instance/i-1"),
    "open a session on a machine": Call("ssm:StartSession", f"arn:aws:ec2:{REGIONAL}:instance/i-1"),
    "change what a machine starts": Call("ec2:ModifyInstanceAttribute", f"arn:aws:ec2:{REGIONAL}:instance/i-1"),
    "give a machine another role": Call("ec2:ReplaceIamInstanceProfileAssociation", f"arn:aws:ec2:{REGIONAL}:instance/i-1"),
    "show a disk to another account": Call("ec2:ModifySnapshotAttribute", "arn:aws:ec2:ap-southeast-1::snapshot/snap-1"),
    "stop the audit trail": Call("cloudtrail:StopLogging", f"arn:aws:cloudtrail:{REGIONAL}:trail/{SERVICE}-audit"),
    "run code of one's own": Call("lambda:CreateFunction", f"arn:aws:lambda:{REGIONAL}:function:x"),
    "leave the organisation": Call("organizations:LeaveOrganization"),
}


@pytest.fixture(scope="module")
def dev(plans: Planner) -> Document:
    return boundary(plans(Case(SERVICE, "bootstrap", "account")), "dev")


@pytest.mark.parametrize("escalation", ESCALATIONS)
def test_an_escalation_is_refused_whatever_is_attached(escalation: str, dev: Document) -> None:
    """Most escalations are taken from a list by Rhino Security Labs, and from AWS's own guide.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
    `iam:UpdateAssumeRolePolicy` has no condition key for boundaries: service authorization reference of IAM.
    """
    assert not allowed(ESCALATIONS[escalation], [ADMINISTRATOR], dev)


def test_there_are_escalations_enough() -> None:
    assert len(ESCALATIONS) >= 30


# Calls that the same attacker may make: without them, a boundary that denies everything would pass.
ALLOWED: dict[str, Call] = {
    "make a role of one's own": Call("iam:CreateRole", OWN, BOUNDED | {"aws:RequestTag/Environment": "dev"}),
    "change its trust": Call("iam:UpdateAssumeRolePolicy", OWN, {"aws:ResourceTag/Environment": "dev"}),
    "give it a policy": Call("iam:PutRolePolicy", OWN, BOUNDED),
    "attach AWS's policy": Call("iam:AttachRolePolicy", OWN, BOUNDED),
    "pass it on": Call("iam:PassRole", OWN),
    "delete it": Call("iam:DeleteRole", OWN, {"aws:ResourceTag/Environment": "dev"}),
    "read its own state": Call("s3:GetObject", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1/dev/service.tfstate"),
    "write its own secret": Call("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/dev/session-AbCdEf"),
    "make up a password": Call("secretsmanager:GetRandomPassword"),
    "read the newest image's release": Call(
        "ssm:GetParameter", "arn:aws:ssm:ap-southeast-1::parameter/aws/service/eks/optimized-ami/1.36/x"
    ),
    "delete its own database": Call("rds:DeleteDBInstance", f"arn:aws:rds:{REGIONAL}:db:x", {"aws:ResourceTag/Environment": "dev"}),
    "enter its own cluster": Call("eks:CreateAccessEntry", f"arn:aws:eks:{REGIONAL}:cluster/{SERVICE}-dev"),
    "trust its own cluster": Call("iam:CreateOpenIDConnectProvider", f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.r.amazonaws.com/id/1"),
    "read a secret as its reader": Call("sts:AssumeRole", f"{ROLE}/billing-dev-secrets-reader"),
}


@pytest.mark.parametrize("call", ALLOWED)
def test_work_inside_the_boundary_goes_on(call: str, dev: Document) -> None:
    assert allowed(ALLOWED[call], [dev], dev)


# A guest's apply role, on a platform that another service made; the platform's roles carry the boundary of that service.
HOST = {"iam:PermissionsBoundary": f"{POLICY}/host-production-boundary"}
SHARED = f"{ROLE}/shared-production"
GUESTS_ESCALATIONS: dict[str, Call] = {
    "give External Secrets a right": Call("iam:PutRolePolicy", f"{SHARED}-external-secrets", HOST),
    "take External Secrets its right": Call("iam:DeleteRolePolicy", f"{SHARED}-external-secrets", HOST),
    "become External Secrets": Call("sts:AssumeRole", f"{SHARED}-external-secrets"),
    "become another service's reader of secrets": Call("sts:AssumeRole", f"{ROLE}/billing-production-secrets-reader"),
    "give nodes a right": Call("iam:PutRolePolicy", f"{SHARED}-nodes", HOST),
    "become a controller": Call("sts:AssumeRole", f"{SHARED}-external-dns"),
    **{
        f"change a controller by {action}": Call(f"iam:{action}", f"{SHARED}-external-dns", HOST)
        for action in ("AttachRolePolicy", "DeleteRole", "PassRole", "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary")
    },
    "rewrite the platform's contract": Call("ssm:PutParameter", f"arn:aws:ssm:{REGIONAL}:parameter/platform/shared/production/contract"),
}
GUESTS_WORK: dict[str, Call] = {
    "give external-dns its zone": Call("iam:PutRolePolicy", f"{SHARED}-external-dns", HOST),
    "give the load balancer controller its firewall": Call("iam:PutRolePolicy", f"{SHARED}-load-balancer", HOST),
    "read the platform's contract": Call("ssm:GetParameter", f"arn:aws:ssm:{REGIONAL}:parameter/platform/shared/production/contract"),
}


@pytest.fixture(scope="module")
def guest(plans: Planner) -> Document:
    return boundary(plans(Case("joined", "bootstrap", "account")), "production")


@pytest.mark.parametrize("escalation", GUESTS_ESCALATIONS)
def test_a_guest_changes_nothing_of_its_platform(escalation: str, guest: Document) -> None:
    assert not allowed(GUESTS_ESCALATIONS[escalation], [ADMINISTRATOR], guest)


@pytest.mark.parametrize("call", GUESTS_WORK)
def test_a_guest_adds_its_policies_to_controllers(call: str, guest: Document) -> None:
    assert allowed(GUESTS_WORK[call], [guest], guest)


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("platform")])
def test_external_secrets_becomes_readers_of_its_environment_and_has_no_other_right(case: Case, plans: Planner) -> None:
    """The tag narrows `sts:AssumeRole`: its resource, a role, has the key `aws:ResourceTag`.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
    """
    policy = parse(plans(case).documents["data.aws_iam_policy_document.secrets"]["json"])
    inside = boundary(plans(Case(case.variant, "bootstrap", "account")), case.environment)
    may = partial(allowed, policies=[policy], boundary=inside)
    here, there = ({"aws:ResourceTag/Environment": name} for name in (case.environment, "another"))
    reader = f"{ROLE}/billing-{case.environment}-secrets-reader"
    assert may(Call("sts:AssumeRole", reader, here))
    assert may(Call("sts:TagSession", reader))
    assert not may(Call("sts:AssumeRole", reader, there))
    assert not may(Call("sts:AssumeRole", reader))
    assert not may(Call("sts:AssumeRole", f"{ROLE}/billing-another-secrets-reader", here))
    assert not may(Call("sts:AssumeRole", f"{ROLE}/billing-{case.environment}-worker", here))
    assert not may(Call("sts:AssumeRole", reader.replace(ACCOUNT, "999999999999"), here))
    secret = f"arn:aws:secretsmanager:{case.region}:{ACCOUNT}:secret:{case.variant}/{case.environment}/session-AbCdEf"
    assert not may(Call("secretsmanager:GetSecretValue", secret))
    role = f"{case.variant}-{case.environment}-external-secrets"
    (written,) = [each for each in plans(case).of("aws_iam_role_policy") if each["role"] == role]
    assert parse(written["policy"]) == policy


# X-Ray actions of the cluster's CloudWatch agent (AWSXRayDaemonWriteAccess; CloudWatchAgentServerPolicy holds the same five).
XRAY = ["PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets", "GetSamplingStatisticSummaries"]
AGENT: Document = {"Statement": [{"Effect": "Allow", "Action": [f"xray:{name}" for name in XRAY], "Resource": "*"}]}


@pytest.mark.parametrize("variant", ["sandbox", EVERYTHING, "joined"])
def test_the_agent_of_a_platform_passes_traces_on(variant: str, plans: Planner) -> None:
    """The boundary is that of the service which made the platform, and the traces may be a guest's: `tracing` of the host does not matter.

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSXRayDaemonWriteAccess.html
    """
    plan = plans(Case(variant, "bootstrap", "account"))
    for environment in ENVIRONMENTS[variant]:
        assert [name for name in XRAY if not allowed(Call(f"xray:{name}"), [AGENT], boundary(plan, environment))] == []


def test_aws_backup_becomes_its_role_whether_it_names_the_account_or_not(plans: Planner) -> None:
    """AWS Backup's guide shows a trust without a condition, and does not say which keys are sent. Public modules use both forms.

    https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html without,
    https://github.com/nationalarchives/terraform-aws-immutable-aws-backup/blob/main/modules/service-deployment/iam-service-role.tf with.
    """
    documents = plans(Case(EVERYTHING, "service", "production")).documents
    (trust,) = [parse(each["json"]) for address, each in documents.items() if re.search(r"disaster_recovery.*\.trust$", address)]
    policy = {"Statement": [{**statement, "Resource": "*"} for statement in trust["Statement"]]}
    may = partial(allowed, policies=[policy], boundary=ADMINISTRATOR)
    assert may(Call("sts:AssumeRole"))
    assert may(Call("sts:AssumeRole", context={"aws:SourceAccount": ACCOUNT}))
    assert not may(Call("sts:AssumeRole", context={"aws:SourceAccount": "999999999999"}))


FOREIGN_DATA: dict[str, Call] = {
    "a log": Call("logs:FilterLogEvents", f"arn:aws:logs:{REGIONAL}:log-group:/billing/dev:*"),
    "a log's stream": Call("logs:GetLogEvents", f"arn:aws:logs:{REGIONAL}:log-group:/billing/dev:log-stream:x"),
    "logs by query": Call("logs:StartQuery", f"arn:aws:logs:{REGIONAL}:log-group:/billing/dev:*"),
    "logs as they come": Call("logs:StartLiveTail", f"arn:aws:logs:{REGIONAL}:log-group:/billing/dev"),
    "logs of a database": Call("rds:DownloadDBLogFilePortion", f"arn:aws:rds:{REGIONAL}:db:billing-dev"),
    "an image": Call("ecr:BatchGetImage", f"arn:aws:ecr:{REGIONAL}:repository/billing/dev/api"),
    "a layer of an image": Call("ecr:GetDownloadUrlForLayer", f"arn:aws:ecr:{REGIONAL}:repository/billing/dev/api"),
    "the console of a machine": Call("ec2:GetConsoleOutput", f"arn:aws:ec2:{REGIONAL}:instance/i-1"),
    "people of a user pool": Call("cognito-idp:ListUsers", f"arn:aws:cognito-idp:{REGIONAL}:userpool/x"),
    "traces": Call("xray:BatchGetTraces"),
    "a secret": Call("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:billing/dev/session-AbCdEf"),
    "a secret of its own": Call("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/dev/session-AbCdEf"),
    "a parameter": Call("ssm:GetParameter", f"arn:aws:ssm:{REGIONAL}:parameter/billing/dev/password"),
    "an object": Call("s3:GetObject", "arn:aws:s3:::payroll/2026.csv"),
    "another project's state": Call("s3:GetObject", f"arn:aws:s3:::billing-tfstate-{ACCOUNT}-ap-southeast-1/dev/service.tfstate"),
    "a table": Call("dynamodb:Scan", f"arn:aws:dynamodb:{REGIONAL}:table/billing"),
    "a queue": Call("sqs:ReceiveMessage", f"arn:aws:sqs:{REGIONAL}:billing"),
    "a function's code": Call("lambda:GetFunction", f"arn:aws:lambda:{REGIONAL}:function:billing"),
}
PLAN_READS: dict[str, Call] = {
    "its state": Call("s3:GetObject", f"arn:aws:s3:::{SERVICE}-tfstate-{ACCOUNT}-ap-southeast-1/dev/service.tfstate"),
    "its contract": Call("ssm:GetParameter", f"arn:aws:ssm:{REGIONAL}:parameter/service/{SERVICE}/dev/contract"),
    "its platform's contract": Call("ssm:GetParameter", f"arn:aws:ssm:{REGIONAL}:parameter/platform/{SERVICE}/dev/contract"),
    "its secrets, without values": Call(
        "secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/dev/x-AbCdEf"
    ),
    "versions of its secrets": Call(
        "secretsmanager:ListSecretVersionIds", f"arn:aws:secretsmanager:{REGIONAL}:secret:{SERVICE}/dev/x-AbCdEf"
    ),
    "its buckets": Call("s3:GetBucketPolicy", f"arn:aws:s3:::{SERVICE}-dev-logs"),
    "log groups": Call("logs:DescribeLogGroups"),
    "tags of log groups": Call("logs:ListTagsForResource", f"arn:aws:logs:{REGIONAL}:log-group:/x"),
    "databases": Call("rds:DescribeDBInstances"),
    "repositories": Call("ecr:DescribeRepositories"),
    "user pools": Call("cognito-idp:DescribeUserPool"),
    "machines": Call("ec2:DescribeInstances"),
    "roles": Call("iam:GetRole", f"{ROLE}/{SERVICE}-dev-worker"),
}


@pytest.fixture(scope="module")
def plan_role(plans: Planner) -> partial[bool]:
    """Return the rights of the plan role with everything attached to it: ReadOnlyAccess is less. Its own document waits for a key's ARN."""
    plan = plans(Case(SERVICE, "bootstrap", "account"))
    statements = plan.documents["data.aws_iam_policy_document.plan"]["statement"]
    denies = [{"Effect": "Deny", "Action": s["actions"], "Resource": s["resources"]} for s in statements if s["effect"] == "Deny"]
    assert denies
    return partial(allowed, policies=[ADMINISTRATOR, {"Statement": denies}], boundary=boundary(plan, "account"))


@pytest.mark.parametrize("data", FOREIGN_DATA)
def test_the_plan_role_reads_no_data(data: str, plan_role: partial[bool]) -> None:
    assert not plan_role(FOREIGN_DATA[data])


@pytest.mark.parametrize("data", PLAN_READS)
def test_the_plan_role_reads_what_a_plan_needs(data: str, plan_role: partial[bool]) -> None:
    """Write-only versions of secrets are read by ListSecretVersionIds since the provider's 6.26 (terraform-provider-aws, #44876)."""
    assert plan_role(PLAN_READS[data])


# Calls of the deploys of tests/kubernetes and tests/workflows to the emulated AWS. Docker pushes images by its own protocol, which the
# emulator does not have, so that is a list.
DEPLOYS = Path(__file__).parents[1] / "kubernetes/recorded_calls.txt"
DEPLOY_CALLS = [line.split(" ") for line in DEPLOYS.read_text(encoding="utf-8").splitlines()]
DOCKERS = ["BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart"]
# The recorded deploy is one of `shop` to `dev`, in Singapore.
RECORDED_WORDS = re.compile(r"ap-southeast-1|cluster/shop-dev$|shop/dev/")


def deploys_calls(case: Case, environment: str) -> list[Call]:
    """The recorded calls, as a deploy of another service to another environment makes them; those of a canary where it is answered."""
    words = {
        "ap-southeast-1": case.region,
        "cluster/shop-dev": f"cluster/{'shared' if case.joins else case.variant}-{environment}",
        "shop/dev/": f"{case.variant}/{environment}/",
    }
    return [
        Call(action, RECORDED_WORDS.sub(lambda found: words[found[0]], resource))
        for command, action, resource in DEPLOY_CALLS
        if command != "canary" or case.variant in LARGE
    ]


def test_a_recorded_deploy_is_one_of_every_command() -> None:
    assert {command for command, _, _ in DEPLOY_CALLS} == {"canary", "deploy", "rollback"}


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("bootstrap")])
def test_a_deploy_makes_its_calls_and_pushes_into_its_own_environment_alone(case: Case, plans: Planner) -> None:
    plan = plans(case)
    documents = {key: document for key, document in plan.documents.items() if ".deploy[" in key}
    extra = [parse(document["json"]) for key, document in plan.documents.items() if key.endswith(".canary")]
    assert documents
    for address, document in documents.items():
        environment = address.split('"')[1]
        policies, inside = [parse(document["json"]), *extra], boundary(plan, environment)
        may = partial(allowed, policies=policies, boundary=inside)
        assert [call for call in deploys_calls(case, environment) if not may(call)] == []
        repository = f"arn:aws:ecr:{case.region}:{ACCOUNT}:repository/{case.variant}/{environment}/api"
        assert may(Call("ecr:GetAuthorizationToken"))
        for name in DOCKERS:
            assert may(Call(f"ecr:{name}", repository, {"aws:ResourceTag/Environment": environment})), name
            assert not may(Call(f"ecr:{name}", repository.replace(f"/{environment}/", "/another/"))), name
        assert not may(
            Call("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{case.region}:{ACCOUNT}:secret:{case.variant}/{environment}/x")
        )


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case)) for case in cases("bootstrap")])
def test_a_boundary_fits_into_a_policy(case: Case, plans: Planner) -> None:
    """6,144 characters without white space (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""
    sizes = {p["name"]: len(json.dumps(json.loads(p["policy"]), separators=(",", ":"))) for p in plans(case).of("aws_iam_policy")}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > 6144} == {}


def test_every_boundary_of_every_option_is_simulated(plans: Planner) -> None:
    plan = plans(Case(EVERYTHING, "bootstrap", "account"))
    assert {policy["name"] for policy in plan.of("aws_iam_policy")} == {
        f"{EVERYTHING}-boundary",
        f"{EVERYTHING}-dev-boundary",
        f"{EVERYTHING}-production-boundary",
    }


# Recorded stack (service and environment) to the variant whose boundary it is tried on, and the words that differ between the two.
STACKS: dict[str, tuple[Case, str, dict[str, str]]] = {
    "shop-production": (Case(EVERYTHING, "bootstrap", "account"), "production", {"shop": EVERYTHING, "second": "second"}),
    "cart-dev": (Case("sandbox", "bootstrap", "account"), "dev", {"cart": "sandbox"}),
    "guest-dev": (Case("joined", "bootstrap", "account"), "production", {"guest": "joined", "cart": "shared", "dev": "production"}),
}
RECORDED_CALLS = [line.split(" ") for line in RECORDED.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("stack", STACKS)
def test_every_call_of_a_recorded_apply_and_destroy_is_allowed(stack: str, plans: Planner) -> None:
    """test_apply records them on the emulated AWS; the apply role has its boundary for a policy."""
    case, environment, words = STACKS[stack]
    inside = boundary(plans(case), environment)
    tags = {f"aws:{kind}/Environment": environment for kind in ("RequestTag", "ResourceTag")}
    context = tags | {"iam:PermissionsBoundary": f"{POLICY}/{case.variant}-{environment}-boundary"}
    refused, tried = [], 0
    for whose, action, resource in RECORDED_CALLS:
        if whose == stack:
            here = re.sub(r"\b(" + "|".join(words) + r")\b", lambda found: words[found[1]], resource)
            tried += 1
            if not allowed(Call(action, here, context), [inside], inside):
                refused.append((action, here))
    assert tried > 100
    assert refused == []
