"""Rules of IAM, STS, CloudTrail, Cost Explorer, ACM and EventBridge Scheduler, over Terraform plans."""

import json
import re
from collections.abc import Iterator

from tests.infrastructure.terraform import Plan
from tests.rules.plans import PLANS, planned

IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
GITHUB = "token.actions.githubusercontent.com"


@PLANS.rule(
    "aws_iam_role",
    source=f"{IAM}/reference_iam-quotas.html",
    broken=planned(("aws_iam_role", {"name": "x" * 65})),
)
def role_names_fit(plan: Plan) -> Iterator[str]:
    """A role's name has at most 64 characters of a few kinds."""
    yield from (role.address for role in plan.of("aws_iam_role") if not re.fullmatch(r"[\w+=,.@-]{1,64}", role["name"]))


@PLANS.rule(
    "aws_iam_policy",
    source=f"{IAM}/reference_iam-quotas.html",
    broken=planned(("aws_iam_policy", {"policy": json.dumps({"Statement": [{"Action": ["ec2:DescribeInstances"] * 400}]})})),
)
def managed_policies_fit(plan: Plan) -> Iterator[str]:
    """A managed policy has at most 6,144 characters, white space apart."""
    for policy in plan.of("aws_iam_policy"):
        if policy["policy"] and len(re.sub(r"\s", "", policy["policy"])) > 6144:
            yield policy.address


@PLANS.rule(
    "aws_iam_role_policy",
    source=f"{IAM}/reference_iam-quotas.html",
    broken=planned(("aws_iam_role_policy", {"role": "shop", "policy": "x" * 10241})),
)
def inline_policies_fit(plan: Plan) -> Iterator[str]:
    """All inline policies of a role together have at most 10,240 characters."""
    sizes: dict[str, int] = {}
    for policy in plan.of("aws_iam_role_policy"):
        sizes[str(policy["role"])] = sizes.get(str(policy["role"]), 0) + len(re.sub(r"\s", "", policy["policy"] or ""))
    yield from (role for role, size in sizes.items() if size > 10240)


@PLANS.rule(
    "aws_iam_policy_document",
    source=f"{IAM}/reference_policies_condition-single-vs-multi-valued-context-keys.html",
    broken=planned(
        (
            "aws_iam_policy_document",
            {"statement": [{"effect": "Allow", "condition": [{"test": "ForAllValues:StringEquals", "values": ["x"]}]}]},
        )
    ),
)
def no_missing_claim_passes(plan: Plan) -> Iterator[str]:
    """ForAllValues is true where the key is missing: an Allow then matches every request without the key.

    IfExists is, too. In a trust of an AWS service nobody but the service is let in, whatever it sends, so there it only narrows.
    """
    for address, document in plan.documents.items():
        for statement in document["statement"] or []:
            tests = [condition["test"] for condition in statement.get("condition") or []]
            services = {principals["type"] for principals in statement.get("principals") or []} == {"Service"}
            missing = any(test.startswith("ForAllValues") or (test.endswith("IfExists") and not services) for test in tests)
            if statement.get("effect") != "Deny" and missing:
                yield address


@PLANS.rule(
    "aws_iam_policy_document",
    source=f"{IAM}/id_roles_providers_create_oidc.html",
    broken=planned(
        (
            "aws_iam_policy_document",
            {
                "statement": [
                    {
                        "actions": ["sts:AssumeRoleWithWebIdentity"],
                        "condition": [{"test": "StringEquals", "variable": f"{GITHUB}:aud", "values": ["sts.amazonaws.com"]}],
                    }
                ]
            },
        )
    ),
)
def github_is_trusted_by_subject(plan: Plan) -> Iterator[str]:
    """IAM refuses a trust in GitHub whose `sub` is absent or a wildcard: any repository would be trusted."""
    for address, document in plan.documents.items():
        for statement in document["statement"] or []:
            if "sts:AssumeRoleWithWebIdentity" not in (statement.get("actions") or []):
                continue
            subjects = [value for c in statement["condition"] or [] if c["variable"] == f"{GITHUB}:sub" for value in c["values"]]
            if not subjects or any(not re.match(r"repo:[^*?]+/[^*?]+:", subject) for subject in subjects):
                yield address


@PLANS.rule(
    "aws_iam_policy_document",
    source=f"{IAM}/reference_policies_iam-condition-keys.html",
    broken=planned(
        (
            "aws_iam_policy_document",
            {
                "statement": [
                    {
                        "actions": ["sts:AssumeRoleWithWebIdentity"],
                        "condition": [{"test": "StringEquals", "variable": f"{GITHUB}:sub", "values": ["repo:a/b:environment:dev"]}],
                    }
                ]
            },
        )
    ),
)
def environments_are_taken_from_a_branch(plan: Plan) -> Iterator[str]:
    """GitHub makes environments without protection, so a subject that names one lets any branch in unless `ref` is asked for, too."""
    for address, document in plan.documents.items():
        for statement in document["statement"] or []:
            claims = {
                c["variable"].rpartition(":")[2]: c["values"] for c in statement.get("condition") or [] if c["variable"].startswith(GITHUB)
            }
            if any(":environment:" in subject for subject in claims.get("sub", [])) and not {"ref", "environment"} <= set(claims):
                yield address


@PLANS.rule(
    "aws_iam_policy_document",
    source="https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html",
    broken=planned(
        (
            "aws_iam_policy_document",
            {"statement": [{"actions": ["sts:AssumeRole"], "principals": [{"identifiers": ["pods.eks.amazonaws.com"]}]}]},
        )
    ),
)
def pod_identities_tag_their_sessions(plan: Plan) -> Iterator[str]:
    """EKS Pod Identity needs sts:TagSession beside sts:AssumeRole, or no pod gets credentials."""
    for address, document in plan.documents.items():
        for statement in document["statement"] or []:
            services = [name for principal in statement.get("principals") or [] for name in principal["identifiers"] or []]
            if "pods.eks.amazonaws.com" in services and not {"sts:AssumeRole", "sts:TagSession"} <= set(statement["actions"]):
                yield address


@PLANS.rule(
    "aws_iam_role",
    source=f"{IAM}/id_roles_update-role-settings.html",
    broken=planned(("aws_iam_role", {"name": "shop", "max_session_duration": 50000})),
)
def sessions_have_an_end(plan: Plan) -> Iterator[str]:
    """A session lasts from one to twelve hours."""
    yield from (role.address for role in plan.of("aws_iam_role") if not 3600 <= (role["max_session_duration"] or 3600) <= 43200)


@PLANS.rule(
    "aws_cloudtrail",
    source="https://aws.amazon.com/cloudtrail/pricing/",
    broken=planned(("aws_cloudtrail", {"name": "a"}), ("aws_cloudtrail", {"name": "b"})),
)
def an_account_has_one_trail(plan: Plan) -> Iterator[str]:
    """The first copy of management events is free, every further one is billed: the account's root alone makes a trail."""
    trails = plan.of("aws_cloudtrail")
    if len(trails) > 1 or (trails and plan.case.root != "bootstrap"):
        yield from (trail.address for trail in trails)


@PLANS.rule(
    "aws_sns_topic",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-create-topic.html",
    broken=planned(("aws_sns_topic", {"name": "shop alarms"})),
)
def topic_names_are_taken(plan: Plan) -> Iterator[str]:
    """A topic's name has at most 256 letters, digits, hyphens and underscores."""
    yield from (topic.address for topic in plan.of("aws_sns_topic") if not re.fullmatch(r"[\w-]{1,256}", topic["name"]))


@PLANS.rule(
    "aws_scheduler_schedule",
    source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
    broken=planned(("aws_scheduler_schedule", {"name": "stop", "schedule_expression": "cron(30 20 * * FRI *)"})),
)
def schedules_name_a_day_once(plan: Plan) -> Iterator[str]:
    """A cron expression has six fields, and a question mark for the day of the month or of the week."""
    for schedule in plan.of("aws_scheduler_schedule"):
        fields = schedule["schedule_expression"].removeprefix("cron(").removesuffix(")").split()
        if len(fields) != 6 or [fields[2], fields[4]].count("?") != 1:
            yield schedule.address


@PLANS.rule(
    "aws_acm_certificate",
    source="https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html",
    broken=planned(("aws_acm_certificate", {"domain_name": f"{'a' * 62}.example.com", "validation_method": "DNS"})),
)
def certificate_names_fit(plan: Plan) -> Iterator[str]:
    """The name of a certificate has at most 64 characters; longer ones go into its alternative names."""
    yield from (each.address for each in plan.of("aws_acm_certificate") if len(each["domain_name"]) > 64)
