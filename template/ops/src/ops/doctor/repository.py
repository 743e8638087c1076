"""The repository at GitHub: its ids, environments, their protection, and variables."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.doctor.context import Context
from ops.doctor.finding import Finding, error
from ops.errors import OpsError
from ops.github import needs_reviewer

PLACEHOLDER = "your-github-owner"
FILE = "infra/environments/bootstrap.local.tfvars"
OWNER = "copier update -d github_owner=OWNER"


def login(context: Context) -> Iterator[Finding]:
    """Yield a finding if the current login cannot see the repository. The other checks are then skipped."""
    if context.github_problem and not is_placeholder(context):
        remedy = "Log in (gh auth login), and see that infra/environments/github.tfvars names the repository"
        yield error("github", f"cannot read {context.repository.name}: {context.github_problem}", remedy, "repository")


def is_placeholder(context: Context) -> bool:
    """Whether no owner is named yet."""
    return context.bootstrap.get("github_owner") in ("", PLACEHOLDER, None)


def identity(context: Context) -> Iterator[Finding]:
    """Yield what is wrong with the repository's owner and ids: AWS trusts the repository by them."""
    values = context.bootstrap
    if is_placeholder(context):
        yield error("github", "github_owner is a placeholder", OWNER, "repository")
        return
    if context.github_problem:
        return
    found = context.repository.read()
    for name, actual in {"github_owner_id": found["owner"]["id"], "github_repository_id": found["id"]}.items():
        if str(values.get(name)) != str(actual):
            problem = f"{name} in {FILE} is {values.get(name) or 'empty'}, and GitHub says {actual}"
            yield error("github", problem, f'Write {name} = "{actual}", then: uv run ops apply bootstrap', "repository")


def protection(context: Context) -> Iterator[Finding]:
    """Yield environments that are missing, open to every branch, or without a reviewer where the plan has them."""
    if not context.plan.environments or context.github_problem:
        return
    for name in environments(context):
        found = context.github_environment(name)
        remedy = f"uv run ops github protect {context.environment}"
        if found is None:
            yield error("github", f"there is no environment {name}", remedy, "github")
            continue
        if not found.get("deployment_branch_policy"):
            yield error("github", f"every branch may use the environment {name}", remedy, "github")
        rules = {rule["type"] for rule in found.get("protection_rules", [])}
        if context.plan.reviewers and needs_reviewer(name) and "required_reviewers" not in rules:
            yield error("github", f"the environment {name} has no required reviewer", remedy, "github")


def variables(context: Context) -> Iterator[Finding]:
    """Yield variables that are missing or name a role of another account; nothing before bootstrap."""
    if not context.plan.environments or context.github_problem:
        return
    for where, name, arn in wanted_variables(context):
        if where and context.github_environment(where) is None:
            continue
        value = context.repository.variables(where).get(name)
        if value != arn:
            place = f"environment {where}" if where else "repository"
            problem = f"the variable {name} of the {place} is {value or 'not set'}, and the role is {arn}"
            yield error("github", problem, f"uv run ops github variables {context.environment}", "github")


def environments(context: Context) -> list[str]:
    """The GitHub environments of this environment: for deploys and for infrastructure."""
    return [context.environment, f"{context.environment}-infrastructure"]


def wanted_variables(context: Context) -> Iterator[tuple[str, str, str]]:
    """Return environment (empty for the repository), name and value of each variable whose role exists."""
    roles = {
        ("", "AWS_PLAN_ROLE_ARN"): f"{context.service}-plan",
        (context.environment, "AWS_ROLE_ARN"): f"{context.name}-deploy",
        (f"{context.environment}-infrastructure", "AWS_APPLY_ROLE_ARN"): f"{context.name}-apply",
    }
    iam = context.aws("iam")
    for (where, variable), role in roles.items():
        try:
            yield where, variable, iam.get_role(RoleName=role)["Role"]["Arn"]
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "NoSuchEntity":
                raise OpsError(f"cannot read the role {role}: {failure}") from None
