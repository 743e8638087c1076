"""Every workflow is well formed, safe and minimal, in every variant that differs and in this repository."""

import re
import shutil
from pathlib import Path

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
            assert "uses" in job or job["timeout-minutes"] <= 90, name
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


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_the_job_of_an_environment_holds_aws_credentials_and_it_runs_no_code_of_others_with_them(
    render: Renderer, variant: str
) -> None:
    holders = {
        f"{name}/{job_name}"
        for name, workflow in workflows_of(render(VARIANTS[variant])).items()
        for job_name, job in workflow["jobs"].items()
        if job["permissions"].get("id-token") == "write" and "uses" not in job
    }
    assert holders == {"deploy-environment/deploy"}
    steps = workflows_of(render(VARIANTS[variant]))["deploy-environment"]["jobs"]["deploy"]["steps"]
    taken = next(n for n, step in enumerate(steps) if step.get("uses", "").startswith("aws-actions/"))
    assert [step["name"] for step in steps[taken + 1 :]] == ["Push the images", "Deploy"]
    assert all("uses" not in step for step in steps[taken + 1 :])
    # Every step but the question itself waits for its answer: an unconfigured environment is green.
    assert all(step["if"] == "steps.aws.outputs.configured == 'true'" for step in steps[1:])


@pytest.mark.parametrize(
    ("variant", "order"),
    [
        ("sandbox", {"dev": ["build"]}),
        ("startup", {"dev": ["build"]}),
        ("production", {"dev": ["build"], "staging": ["build", "dev"]}),
        ("public", {"dev": ["build"], "production": ["build", "dev"]}),
        ("reviewed", {"dev": ["build"], "staging": ["build", "dev"], "production": ["build", "staging"]}),
    ],
)
def test_environments_follow_each_other_and_production_needs_a_person(render: Renderer, variant: str, order: dict[str, list[str]]) -> None:
    workflows = workflows_of(render(VARIANTS[variant]))
    jobs = workflows["deploy"]["jobs"]
    needs = {name: [job["needs"]] if isinstance(job["needs"], str) else job["needs"] for name, job in jobs.items() if name != "build"}
    assert needs == order
    assert {job["with"]["environment"] for name, job in jobs.items() if name != "build"} == set(order)
    choices = triggers_of(workflows["promote"])["workflow_dispatch"]["inputs"]["environment"]["options"]
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
    build = workflows["deploy"]["jobs"]["build"]
    assert build["runs-on"] == runner
    builds = [step["with"] for step in build["steps"] if step.get("uses", "").startswith("docker/build-push-action@")]
    assert [step["target"] for step in builds] == ["api", "worker", "migrate"]
    assert {step["platforms"] for step in builds} == {platforms}
    others = [step for name, w in workflows.items() for job, j in w["jobs"].items() if job != "build" for step in j.get("steps", [])]
    assert not [step for step in others if "docker" in step.get("uses", "")]


@pytest.mark.parametrize("variant", ["startup", "production"])
def test_the_delivery_decides_which_command_deploys(render: Renderer, variant: str) -> None:
    steps = workflows_of(render(VARIANTS[variant]))["deploy-environment"]["jobs"]["deploy"]["steps"]
    assert steps[-1]["run"].startswith("uv run --no-sync canary " if variant == "production" else "uv run --no-sync deploy ")


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
