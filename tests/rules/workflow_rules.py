"""Rules of GitHub Actions, over workflows: each is a mapping as YAML reads it, by its name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.rules.registry import Registry

Workflows = Mapping[str, Mapping[Any, Any]]
WORKFLOWS: Registry[Workflows] = Registry()

_GITHUB = "https://docs.github.com/en/actions"
_SECURE = f"{_GITHUB}/reference/security/secure-use"
_CREDENTIALS = "aws-actions/configure-aws-credentials"
_WITHOUT_ENVIRONMENT = {"plan"}
"""Jobs that take a role which only reads: GitHub's environments would ask a reviewer before each plan."""


def _workflow(*steps: Mapping[str, Any], **job: Any) -> Workflows:
    return {"broken": {True: {"push": {}}, "permissions": {}, "jobs": {"job": {"runs-on": "ubuntu-24.04", "steps": list(steps), **job}}}}


def _jobs(workflows: Workflows) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, workflow in workflows.items():
        yield from ((f"{name}/{key}", job) for key, job in workflow["jobs"].items())


def _steps(workflows: Workflows) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, job in _jobs(workflows):
        yield from ((name, step) for step in job.get("steps", []))


def _takes_a_role(job: Mapping[str, Any]) -> bool:
    return any(step.get("uses", "").startswith(_CREDENTIALS) for step in job.get("steps", []))


@WORKFLOWS.rule("push", source=f"{_SECURE}#using-third-party-actions", broken=_workflow({"uses": "actions/checkout@v4"}))
def actions_are_pinned_by_commit(workflows: Workflows) -> Iterator[str]:
    """A tag can be moved to other code; a commit cannot."""
    for name, step in _steps(workflows):
        uses = step.get("uses", "")
        if uses and not uses.startswith(("./", "$/")) and not re.search(r"@[0-9a-f]{40}$", uses):
            yield f"{name}: {uses}"


@WORKFLOWS.rule(
    "push",
    source=f"{_SECURE}#good-practices-for-mitigating-script-injection-attacks",
    broken=_workflow({"run": "echo ${{ github.event.issue.title }}"}),
)
def no_expression_becomes_a_script(workflows: Workflows) -> Iterator[str]:
    """An expression is put into the script before the shell reads it, so its value can contain commands."""
    yield from (name for name, step in _steps(workflows) if "${{" in step.get("run", ""))


@WORKFLOWS.rule("push", source="https://github.com/actions/checkout#usage", broken=_workflow({"uses": "actions/checkout@" + "0" * 40}))
def checkouts_leave_no_token(workflows: Workflows) -> Iterator[str]:
    """By default the token stays in .git/config, where every later step reads it."""
    for name, step in _steps(workflows):
        if step.get("uses", "").startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
            yield name


@WORKFLOWS.rule(
    "push",
    source="https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/",
    broken={"broken": {True: {"pull_request_target": {}}, "jobs": {}}},
)
def foreign_code_gets_no_secret(workflows: Workflows) -> Iterator[str]:
    """`pull_request_target` and `workflow_run` run with the secrets of this repository on what somebody else sent."""
    for name, workflow in workflows.items():
        triggers = workflow[True]
        yield from (f"{name}: {trigger}" for trigger in ("pull_request_target", "workflow_run") if trigger in triggers)


@WORKFLOWS.rule("push", source=f"{_GITHUB}/reference/workflows-and-actions/workflow-syntax#jobsjob_idtimeout-minutes", broken=_workflow())
def jobs_end(workflows: Workflows) -> Iterator[str]:
    """Without a limit a job that hangs holds its runner, and its concurrency group, for six hours."""
    yield from (name for name, job in _jobs(workflows) if "uses" not in job and "timeout-minutes" not in job)


@WORKFLOWS.rule(
    "push",
    source=f"{_GITHUB}/reference/workflows-and-actions/workflow-syntax#permissions",
    broken={"broken": {True: {"push": {}}, "jobs": {"job": {"steps": []}}}},
)
def rights_are_named(workflows: Workflows) -> Iterator[str]:
    """Without `permissions` a job has what the repository's settings give, which may be everything."""
    for name, workflow in workflows.items():
        if workflow.get("permissions") != {} and any("permissions" not in job for job in workflow["jobs"].values()):
            yield name


@WORKFLOWS.rule(
    "push",
    source=f"{_GITHUB}/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws",
    broken=_workflow({"uses": f"{_CREDENTIALS}@" + "0" * 40}, permissions={"contents": "read"}),
)
def a_role_is_taken_by_identity(workflows: Workflows) -> Iterator[str]:
    """AWS's role is taken by the run's identity token, which a job gets with `id-token: write`; no key lies in a secret."""
    for name, job in _jobs(workflows):
        if _takes_a_role(job) and job.get("permissions", {}).get("id-token") != "write":
            yield f"{name} has no token"
    for name, step in _steps(workflows):
        given = step.get("with", {})
        if step.get("uses", "").startswith(_CREDENTIALS) and ("aws-access-key-id" in given or "role-to-assume" not in given):
            yield f"{name} takes a key"


@WORKFLOWS.rule(
    "push",
    source="https://github.com/aquasecurity/trivy/security/advisories",
    broken=_workflow({"uses": "anchore/scan-action@" + "0" * 40}, permissions={"id-token": "write"}),
)
def scanners_run_without_credentials(workflows: Workflows) -> Iterator[str]:
    """The tags of a scanner's action were moved to a thief of credentials on 2026-03-19: it never runs where a role can be taken."""
    for name, job in _jobs(workflows):
        uses = [step.get("uses", "") for step in job.get("steps", [])]
        if any("trivy" in each or "scan-action" in each for each in uses) and job.get("permissions", {}).get("id-token") == "write":
            yield name
