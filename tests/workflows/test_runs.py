"""How GitHub treats runs: which runs wait for others, where they run, and the effects of running one again."""

import pytest

from tests.harness import Renderer
from tests.workflows.projects import THIS_REPOSITORY, VARIANTS, folder_of, steps_of, triggers_of, workflows_of
from tests.workflows.test_workflows import EVERYWHERE


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_a_run_that_is_run_again_leaves_its_artifacts_anew(render: Renderer, variant: str) -> None:
    """Without `overwrite` the second upload of a name fails, or leaves two of which one is old."""
    uploads = [
        step["with"]
        for w in workflows_of(folder_of(render, variant)).values()
        for step in steps_of(w)
        if "upload-artifact" in step.get("uses", "")
    ]
    assert uploads
    assert all(upload["overwrite"] is True and upload["if-no-files-found"] == "error" for upload in uploads)


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_what_is_cancelled_reports_nothing(render: Renderer, variant: str) -> None:
    """`always()` also holds for a run that a newer one has cut off: its older plan would overwrite the newer comment."""
    for name, workflow in workflows_of(folder_of(render, variant)).items():
        conditions = [part.get("if", "") for part in [*workflow["jobs"].values(), *steps_of(workflow)]]
        assert not [condition for condition in conditions if "always()" in condition], name
    if variant in VARIANTS:
        infrastructure = workflows_of(folder_of(render, variant))["infrastructure"]["jobs"]
        assert infrastructure["comment"]["if"].startswith("${{ !cancelled() && ")


def test_one_at_a_time_reaches_an_environment_and_a_rollback_is_never_dropped(render: Renderer) -> None:
    workflows = workflows_of(render({}))
    groups = [workflows[name]["jobs"][name]["concurrency"] for name in ("deploy", "rollback")]
    # Without a queue, GitHub cancels a waiting run when another one starts.
    assert groups == [{"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False, "queue": "max"}] * 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_release_that_waits_for_a_reviewer_holds_back_no_other_environment(render: Renderer, variant: str) -> None:
    """GitHub counts a run that waits for a reviewer as running: a group of the whole workflow would be held for days."""
    release = workflows_of(render(VARIANTS[variant]))["release"]
    assert "concurrency" not in release
    groups = {name: job["concurrency"] for name, job in release["jobs"].items()}
    assert groups == {name: {"group": f"release-{name}", "cancel-in-progress": False} for name in release["jobs"]}


@pytest.mark.parametrize(("variant", "caller"), [("startup", "workflow_call"), (THIS_REPOSITORY, "push")])
def test_no_commit_of_main_cancels_the_checks_of_another(render: Renderer, variant: str, caller: str) -> None:
    """Each in a group of its own: of three in one group, GitHub drops the second, and what was not checked is not released."""
    ci = workflows_of(folder_of(render, variant))["ci"]
    assert set(triggers_of(ci)) == {"pull_request", caller}
    assert ci["concurrency"] == {
        "group": "ci-${{ github.event_name == 'push' && github.sha || github.ref }}",
        "cancel-in-progress": "${{ github.event_name != 'push' }}",
    }


def test_suites_of_minutes_run_at_night_and_on_demand_alone(render: Renderer) -> None:
    workflows = workflows_of(render({}))
    marked = {
        name
        for name, workflow in workflows.items()
        for job in workflow["jobs"].values()
        for step in job.get("steps", [])
        if " -m " in step.get("run", "") and "pytest" in step["run"]
    }
    assert marked == {"endurance"}
    assert set(triggers_of(workflows["endurance"])) == {"schedule", "workflow_dispatch"}
    commands = "\n".join(step.get("run", "") for step in workflows["endurance"]["jobs"]["endurance"]["steps"])
    assert all(f"-m {suite}" in commands for suite in ("faults", "exhaustive", "fuzz"))


def test_what_talks_to_a_cluster_may_run_inside_its_network(render: Renderer) -> None:
    workflows = workflows_of(render({}))
    runners = {
        f"{name}/{job_name}": job["runs-on"] for name, w in workflows.items() for job_name, job in w["jobs"].items() if "runs-on" in job
    }
    inside = {name for name, runner in runners.items() if runner == "${{ vars.DEPLOY_RUNNER || 'ubuntu-24.04' }}"}
    assert inside == {"deploy/deploy", "rollback/rollback"}
    assert {runner for name, runner in runners.items() if name not in inside} == {"ubuntu-24.04"}


def test_an_environment_in_an_account_of_its_own_is_planned_with_that_accounts_role(render: Renderer) -> None:
    jobs = workflows_of(render({}))["plan"]["jobs"]
    *own, common = jobs["role"]["env"]["AWS_PLAN_ROLE_ARN"].removeprefix("${{ ").removesuffix(" }}").split(" || ")
    assert own == [f"inputs.environment == '{name}' && vars.AWS_PLAN_ROLE_ARN_{name.upper()}" for name in ("dev", "staging", "production")]
    assert common == "vars.AWS_PLAN_ROLE_ARN"
    (takes,) = [step["with"] for step in jobs["plan"]["steps"] if step.get("uses", "").startswith("aws-actions/")]
    assert jobs["role"]["outputs"] == {"arn": "${{ steps.role.outputs.arn }}"}
    assert takes["role-to-assume"] == "${{ needs.role.outputs.arn }}"
    assert "vars." not in str(jobs["plan"])
