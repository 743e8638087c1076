"""Every workflow is well formed, safe and minimal, in every variant that differs and in this repository."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import ROOT, Renderer
from tests.workflows.projects import THIS_REPOSITORY, VARIANTS, folder_of, steps_of, triggers_of, workflows_of
from tests.workflows.tools import lint

EVERYWHERE = [*VARIANTS, THIS_REPOSITORY]
PIN = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<sha>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")
VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def github(render: Renderer, variant: str, tmp_path: Path) -> Path:
    """A folder with the variant's .github alone, so that nothing else is collected."""
    shutil.copytree(folder_of(render, variant) / ".github", tmp_path / ".github")
    return tmp_path


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_workflows_match_their_schema(github: Path) -> None:
    workflows = sorted((github / ".github/workflows").glob("*.yml"))
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows, cwd=github)
    lint("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml", cwd=github)


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_zizmor_finds_nothing_even_when_pedantic(github: Path) -> None:
    lint("zizmor", "--offline", "--strict-collection", "--no-ignores", "--persona", "pedantic", ".", cwd=github)


def test_zizmor_and_the_schema_see_a_fault(tmp_path: Path) -> None:
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (workflows / "ci.yml").write_text(re.sub("@[0-9a-f]{40} # v", "@v", text), encoding="utf-8")
    with pytest.raises(AssertionError, match="unpinned-uses"):
        lint("zizmor", "--offline", "--strict-collection", ".", cwd=tmp_path)
    (workflows / "ci.yml").write_text(text.replace("runs-on:", "run-on:"), encoding="utf-8")
    with pytest.raises(AssertionError, match="Schema validation errors"):
        lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflows / "ci.yml", cwd=tmp_path)


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_every_action_is_pinned_by_commit_with_its_version(render: Renderer, variant: str) -> None:
    pins: dict[str, set[str]] = {}
    for path in (folder_of(render, variant) / ".github/workflows").glob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line and "uses: $/" not in line:
                pin = PIN.search(line)
                assert pin, f"{path.name}: {line.strip()}"
                pins.setdefault(pin["action"], set()).add(pin["sha"])
    assert pins
    assert all(len(shas) == 1 for shas in pins.values()), pins


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_jobs_have_limits_reasons_and_no_more_rights_than_they_name(render: Renderer, variant: str) -> None:
    folder = folder_of(render, variant)
    for name, workflow in workflows_of(folder).items():
        assert workflow["permissions"] == {}, name
        assert "concurrency" in workflow or all("concurrency" in job for job in workflow["jobs"].values()), name
        for job in workflow["jobs"].values():
            assert "permissions" in job, name
            assert "uses" in job or job["timeout-minutes"] <= 120, name
        text = (folder / f".github/workflows/{name}.yml").read_text(encoding="utf-8")
        rights = re.findall(r"^ {6}[a-z-]+: (?:read|write)(?P<reason>.*)$", text, re.MULTILINE)
        assert rights
        assert all(reason.startswith(" # ") for reason in rights), name


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_no_expression_stands_in_a_script(render: Renderer, variant: str) -> None:
    for name, workflow in workflows_of(folder_of(render, variant)).items():
        assert not [step["run"] for step in steps_of(workflow) if "${{" in step.get("run", "")], name
        for step in steps_of(workflow):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


RENDERED = {
    "apply", "build", "ci", "deploy", "drift", "endurance", "infrastructure", "plan", "promote", "release", "rollback", "security",
    "template-update",
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_project_has_all_workflows(render: Renderer, variant: str) -> None:
    assert set(workflows_of(render(VARIANTS[variant]))) == RENDERED


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_job_that_takes_an_aws_role_runs_commands_of_the_project_alone_once_it_has_it(render: Renderer, variant: str) -> None:
    holders = {}
    for name, workflow in workflows_of(render(VARIANTS[variant])).items():
        for job_name, job in workflow["jobs"].items():
            takes = [n for n, step in enumerate(job.get("steps", [])) if step.get("uses", "").startswith("aws-actions/")]
            assert not takes or job["permissions"]["id-token"] == "write"
            if takes:
                holders[f"{name}/{job_name}"] = job["steps"][takes[0] + 1 :]
    canary = (render(VARIANTS[variant]) / "deploy/components/canary").exists()
    withdraws = {"Restore the traffic after a cancelled canary"} if canary else set()
    assert {name: {step.get("name", step.get("uses")) for step in steps} for name, steps in holders.items()} == {
        "deploy/deploy": {"Push the images", "Deploy"} | withdraws,
        "rollback/rollback": {"Roll back"},
        "apply/apply": {"Apply"},
        "plan/plan": {"Plan", "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"},
    }
    for steps in holders.values():
        for command in (step["run"] for step in steps if "run" in step):
            assert command.removeprefix("exec ").split()[0].startswith((".venv/bin/", ".github/scripts/")), command


SCANNERS = re.compile(r"trivy|bandit|audit-dependencies|scan-secrets|check-licences|zizmor|codeql|dependency-review|uvx|docker/")


@pytest.mark.parametrize("variant", EVERYWHERE)
def test_what_scans_or_builds_holds_no_right_to_take_a_role_and_no_secret(render: Renderer, variant: str) -> None:
    seen = 0
    for name, workflow in workflows_of(folder_of(render, variant)).items():
        for job_name, job in workflow["jobs"].items():
            commands = [f"{step.get('uses', '')} {step.get('run', '')}" for step in job.get("steps", [])]
            if any(SCANNERS.search(command) for command in commands):
                seen += 1
                assert "id-token" not in job["permissions"], f"{name}/{job_name}"
                assert set(job["permissions"].values()) == {"read"} or job_name == "codeql", f"{name}/{job_name}"
                assert "${{ secrets." not in str(job), f"{name}/{job_name}"
    assert seen or variant == THIS_REPOSITORY


def test_an_environment_without_a_role_does_not_keep_the_others_from_being_applied(render: Renderer) -> None:
    """A skipped job of a called workflow skips the jobs that need the call, unless their condition names a status function and the results.

    Source: github.com/actions/runner/issues/2205.
    """
    for name, workflow in workflows_of(render({"github_plan": "enterprise"})).items():
        for job_name, job in workflow["jobs"].items():
            if job.get("needs") == "plan":
                assert "!cancelled()" in job["if"], (name, job_name)
    apply = workflows_of(render({"github_plan": "enterprise"}))["infrastructure"]["jobs"]["apply"]["if"]
    assert "needs.plan.result == 'success' || needs.plan.result == 'skipped'" in apply


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_newborn_repository_is_green_and_says_what_is_skipped(render: Renderer, variant: str) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    role, plan = (workflows["plan"]["jobs"][name] for name in ("role", "plan"))
    assert "::notice" in role["steps"][0]["run"]
    assert (plan["needs"], plan["if"]) == ("role", "needs.role.outputs.arn != ''")
    # The variable belongs to an environment, so a separate job that reads it would need another approval.
    for name in ("deploy", "rollback", "apply"):
        (job,) = workflows[name]["jobs"].values()
        question, *others = job["steps"]
        assert "::notice" in question["run"]
        assert all("steps.aws.outputs.configured == 'true'" in step["if"] for step in others), name


def test_a_right_is_never_wider_than_what_the_called_workflow_names(render: Renderer) -> None:
    """GitHub refuses a run whose called workflow wants more than its caller gives."""
    for variant in VARIANTS:
        workflows = workflows_of(render(VARIANTS[variant]))
        calls = [job for workflow in workflows.values() for job in workflow["jobs"].values() if "uses" in job]
        assert calls
        for call in calls:
            called = workflows[Path(call["uses"]).stem]
            wanted: dict[str, str] = {}
            for job in called["jobs"].values():
                wanted |= {right: level for right, level in job["permissions"].items() if wanted.get(right) != "write"}
            assert call["permissions"] == wanted, f"{variant}: {call['uses']}"


@pytest.mark.parametrize(
    ("variant", "order"),
    [
        ("sandbox", {"dev": ["checks", "build"]}),
        ("startup", {"dev": ["checks", "build"]}),
        ("production", {"dev": ["checks", "build"], "staging": ["build", "dev"]}),
        ("public", {"dev": ["checks", "build"], "production": ["build", "dev"]}),
        ("reviewed", {"dev": ["checks", "build"], "staging": ["build", "dev"], "production": ["build", "staging"]}),
    ],
)
def test_environments_follow_each_other_and_production_needs_a_person(render: Renderer, variant: str, order: dict[str, list[str]]) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    jobs = {name: job for name, job in workflows["release"]["jobs"].items() if name not in ("build", "checks")}
    assert {name: job["needs"] for name, job in jobs.items()} == order
    assert {job["with"]["environment"] for job in jobs.values()} == set(order)
    # All jobs use the same digests, from this run.
    assert {job["with"]["digests"] for job in jobs.values()} == {"${{ needs.build.outputs.digests }}"}
    for name in ("promote", "rollback"):
        choices = triggers_of(workflows[name])["workflow_dispatch"]["inputs"]["environment"]["options"]
        assert set(order) <= set(choices)


@pytest.mark.parametrize(
    ("variant", "runner", "platforms"),
    [
        ("startup", "ubuntu-24.04", "linux/amd64"),
        ("sandbox", "ubuntu-24.04-arm", "linux/arm64"),
        ("join", "ubuntu-24.04", "linux/amd64,linux/arm64"),
    ],
)
def test_images_have_the_architecture_of_the_nodes_and_are_built_once(render: Renderer, variant: str, runner: str, platforms: str) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    build = workflows["build"]["jobs"]["images"]
    assert build["runs-on"] == runner
    builds = [step["with"] for step in build["steps"] if step.get("uses", "").startswith("docker/build-push-action@")]
    assert [step["target"] for step in builds] == ["api", "worker", "migrate"]
    assert {step["platforms"] for step in builds} == {platforms}
    assert all(step["sbom"] and step["provenance"] == "mode=max" for step in builds)
    others = [step for name, w in workflows.items() if name != "build" for j in w["jobs"].values() for step in j.get("steps", [])]
    assert not [step for step in others if "docker" in step.get("uses", "")]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_image_is_scanned_before_any_job_may_push_it(render: Renderer, variant: str) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    scans = [step["with"]["input"] for step in workflows["build"]["jobs"]["scan"]["steps"] if "trivy" in step.get("uses", "")]
    assert [Path(path).stem for path in scans] == ["api", "worker", "migrate"]
    # A called workflow ends when all of its jobs have ended, so jobs that need `build` also wait for the scan.
    assert all("build" in job["needs"] for name, job in workflows["release"]["jobs"].items() if name not in ("build", "checks"))
    assert '"Build / Scan"' in workflows["promote"]["jobs"]["find"]["steps"][-1]["run"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_is_deployed_that_ci_did_not_pass(render: Renderer, variant: str) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    checks = workflows["release"]["jobs"]["checks"]
    assert (checks["name"], Path(checks["uses"]).name) == ("Checks", "ci.yml")
    assert "workflow_call" in triggers_of(workflows["ci"])
    # Each environment waits for the previous one, and the first for the checks: see the test of their order.
    assert '"Checks / "' in workflows["promote"]["jobs"]["find"]["steps"][-1]["run"]


@pytest.mark.parametrize("variant", ["startup", "production"])
def test_the_delivery_decides_which_command_deploys(render: Renderer, variant: str) -> None:
    steps = {step.get("name"): step for step in workflows_of(render(VARIANTS[variant]))["deploy"]["jobs"]["deploy"]["steps"]}
    assert steps["Deploy"]["run"].startswith(f"exec .venv/bin/ops {'canary deploy' if variant == 'production' else 'deploy'} ")
    if variant == "production":
        assert "production' && 'withdraw'" in steps["Deploy"]["env"]["INCONCLUSIVE"]
        assert "cancelled()" in steps["Restore the traffic after a cancelled canary"]["if"]


def test_an_apply_is_of_a_saved_plan_by_an_environment_of_its_own(render: Renderer) -> None:
    for variant, trigger in (("startup", "workflow_dispatch"), ("reviewed", "push")):
        workflows = workflows_of(render(VARIANTS[variant]))
        job = workflows["apply"]["jobs"]["apply"]
        assert job["environment"] == "${{ inputs.environment }}-infrastructure"
        assert ("workflow_dispatch" in triggers_of(workflows["infrastructure"])) is (trigger == "workflow_dispatch")
        assert workflows["infrastructure"]["jobs"]["apply"].get("needs") == ("find" if trigger == "workflow_dispatch" else "plan")


def test_production_is_not_reached_while_its_environment_has_no_reviewers(render: Renderer) -> None:
    """GitHub makes an environment that is named for the first time, without any."""
    workflows = workflows_of(render(VARIANTS["reviewed"]))
    for name, condition in (("deploy", "inputs.environment == 'production'"), ("apply", "github.event_name == 'push'")):
        steps = workflows[name]["jobs"][name]["steps"]
        asked = next(n for n, step in enumerate(steps) if "require-reviewers.sh" in step.get("run", ""))
        assert condition in steps[asked]["if"]
        assert asked < next(n for n, step in enumerate(steps) if step.get("uses", "").startswith("aws-actions/"))


def test_the_token_that_writes_is_far_from_what_renders(render: Renderer) -> None:
    jobs = workflows_of(render({}))["template-update"]["jobs"]
    assert jobs["update"]["permissions"] == {"contents": "read"}
    assert "${{ secrets." not in str(jobs["update"])
    assert jobs["propose"]["environment"] == "template-update"
    assert "uv" not in str(jobs["propose"]["steps"])


def test_tools_have_the_catalogues_versions(render: Renderer) -> None:
    for name, workflow in [*workflows_of(render({})).items(), *workflows_of(ROOT).items()]:
        for step in steps_of(workflow):
            used, given = step.get("uses", ""), step.get("with", {})
            if used.startswith("astral-sh/setup-uv@"):
                assert given["version"] in {VERSIONS["uv"], "${{ env.UV_VERSION }}"}, name
            if used.startswith("hashicorp/setup-terraform@"):
                assert given["terraform_version"] in {f"~{VERSIONS['terraform']}", "${{ env.TERRAFORM_VERSION }}"}, name
    environment = workflows_of(render({}))["ci"]["env"]
    assert environment == {"UV_VERSION": VERSIONS["uv"], "TERRAFORM_VERSION": f"~{VERSIONS['terraform']}"}


INSTALLERS = "uvx? |pipx? |poetry |conda |npm |npx |yarn |cargo |brew |gem |go install |apt |apt-get |curl |wget |python3? -m (?:pip|venv)"
INSTALLS = re.compile(rf"\b(?:{INSTALLERS})")
# The setup actions fetch pinned tools, and a test compares the pins with the catalogue's versions.
DEPLOY_INSTALL = "uv sync --locked --only-group ops"


def commands_of(folder: Path, job: Mapping[str, Any]) -> list[str]:
    """Lines that a job runs, and those of the project's scripts that they call."""
    runs = [line for step in job.get("steps", []) for line in step.get("run", "").splitlines()]
    scripts = {word.strip("\"'") for line in runs for word in line.split() if ".github/scripts/" in word}
    called = [line for script in sorted(scripts) for line in (folder / script).read_text(encoding="utf-8").splitlines()]
    return [line.strip() for line in (*runs, *called) if line.strip() and not line.strip().startswith(("#", "echo "))]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_job_that_holds_credentials_installs_the_locked_operations_command_and_nothing_else(render: Renderer, variant: str) -> None:
    """Signing the images, and proposing an update with a token that writes, need nothing installed at all."""
    folder = folder_of(render, variant)
    installs: dict[str, list[str]] = {}
    for name, workflow in workflows_of(folder).items():
        for job_name, job in workflow["jobs"].items():
            if "steps" in job and ("id-token" in job["permissions"] or "${{ secrets." in str(job)):
                installs[f"{name}/{job_name}"] = [line for line in commands_of(folder, job) if INSTALLS.search(line)]
                caches = [s["with"]["enable-cache"] for s in job["steps"] if s.get("uses", "").startswith("astral-sh/setup-uv@")]
                assert not any(caches), f"{name}/{job_name} takes packages from a cache that another run wrote"
    nothing = {"template-update/propose"} | ({"build/attest"} if "attest" in workflows_of(folder)["build"]["jobs"] else set())
    deploying = {"deploy/deploy", "rollback/rollback", "apply/apply", "plan/plan"}
    assert installs == {name: [DEPLOY_INSTALL] for name in deploying} | {name: [] for name in nothing}
