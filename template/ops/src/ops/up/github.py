"""GitHub's environments, their protection, and the variables that name the roles."""

import json

from ops.doctor.context import Context
from ops.doctor.repository import environments, wanted_variables
from ops.errors import OpsError
from ops.github import BRANCH, gh, needs_reviewer
from ops.output import say


def protect_environments(context: Context, reviewer: str = "") -> None:
    """Create and protect the environments. Raises OpsError."""
    if not context.plan.environments:
        raise OpsError("this plan of GitHub has no environments in a private repository: deploy by hand")
    person = json.loads(gh("api", f"users/{reviewer}" if reviewer else "user")) if context.plan.reviewers else None
    for name in environments(context):
        asked = person if needs_reviewer(name) else None
        context.repository.protect(name, asked["id"] if asked else None)
        who = f", {asked['login']} approves" if asked else ""
        say(f"environment {name}: {BRANCH} alone{who}")


def set_variables(context: Context) -> None:
    """Set every variable whose role exists. Raises OpsError when none does."""
    wanted = list(wanted_variables(context))
    if not wanted:
        raise OpsError("there are no roles in this account: uv run ops apply bootstrap")
    for where, name, arn in wanted:
        context.repository.set_variable(name, arn, where)
        say(f"variable {name} of {where or 'the repository'}: {arn}")
