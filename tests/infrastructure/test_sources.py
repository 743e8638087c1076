"""The Terraform sources themselves: formatted, small, and true to the catalogue and the rules of the template."""

import re
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.harness import ROOT, Renderer, required
from tests.infrastructure.terraform import terraform_environment
from tests.infrastructure.variants import EVERYTHING, VARIANTS

VERSIONS = yaml.safe_load((ROOT / "extensions/catalogue/versions.yaml").read_text(encoding="utf-8"))
MOST_LINES = 200
NAMES = sorted(VARIANTS)


def sources(project: Path) -> dict[str, str]:
    """Every .tf file of a project, by its path below infra."""
    found = {path.relative_to(project / "infra").as_posix(): path.read_text(encoding="utf-8") for path in (project / "infra").rglob("*.tf")}
    assert found
    return found


def declared(text: str, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Blocks of one kind with one label: variables and outputs."""
    return [(name.strip('"'), body) for block in hcl2.loads(text).get(kind, []) for name, body in block.items()]


@pytest.mark.parametrize("variant", NAMES)
def test_everything_is_formatted(variant: str, render: Renderer) -> None:
    infra = render(VARIANTS[variant]) / "infra"
    command = [required("terraform"), "fmt", "-check", "-recursive", "-diff", str(infra)]
    run = subprocess.run(command, capture_output=True, text=True, env=terraform_environment({"PATH": "/usr/bin:/bin"}), check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_file_is_one_room(render: Renderer) -> None:
    assert not {name: text.count("\n") for name, text in sources(render(VARIANTS[EVERYTHING])).items() if text.count("\n") > MOST_LINES}


def test_every_variable_and_output_says_what_it_is(render: Renderer) -> None:
    silent, untyped = [], []
    for name, text in sources(render(VARIANTS[EVERYTHING])).items():
        for kind in ("variable", "output"):
            silent += [f"{name}: {label}" for label, body in declared(text, kind) if not body.get("description")]
        untyped += [f"{name}: {label}" for label, body in declared(text, "variable") if "type" not in body]
    assert not silent
    assert not untyped


def test_every_folder_states_the_versions_of_the_catalogue(render: Renderer) -> None:
    files = sources(render(VARIANTS[EVERYTHING]))
    folders = {name.rsplit("/", 1)[0] for name in files}
    for folder in folders:
        text = files[f"{folder}/versions.tf"]
        assert re.search(r'required_version = "(.*)"', text)[1] == VERSIONS["terraform_minimum"]  # type: ignore[index]  # a miss fails the test
        assert re.search(r'version +?= "(>= 5.*)"', text)[1] == VERSIONS["aws_provider"]  # type: ignore[index]  # a miss fails the test


def test_a_project_takes_the_provider_whose_plans_read_no_secret(render: Renderer) -> None:
    """From 6.26 on a refresh lists the versions of a write-only secret, and does not read it (terraform-provider-aws, #44876).

    The floor is lower, for mirrors with older releases: see docs/decisions/infrastructure-tests.md.
    Without a lock file, `init` takes the newest release.
    """
    assert SpecifierSet(VERSIONS["aws_provider"].replace(" ", "")).contains("6.26.0")
    assert not list((render(VARIANTS[EVERYTHING]) / "infra").rglob(".terraform.lock.hcl"))


def test_who_uses_a_topic_waits_for_its_policy(render: Renderer) -> None:
    """AWS tries whether a budget or a monitor may publish when it is made, so the topic's ARN is given out after its policy.

    https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
    """
    files = sources(render(VARIANTS[EVERYTHING]))
    topic = "\n".join(text for name, text in files.items() if name.startswith("modules/sns_topic/"))
    outputs = dict(declared(topic, "output"))
    assert outputs
    for name, body in outputs.items():
        assert "${aws_sns_topic_policy.this}" in body.get("depends_on", []), name
    others = "\n".join(text for name, text in files.items() if not name.startswith("modules/sns_topic/"))
    assert "aws_sns_topic" not in others
    users = re.findall(r"(?:topic_arn +=|(?:alarm_actions|ok_actions|subscriber_sns_topic_arns) += \[)(.*?)\]?\n", others)
    assert len(users) > 5
    assert {user.strip() for user in users} == {"module.sns_topic.arn", "var.topic_arn"}


def test_defaults_of_versions_are_the_catalogues(render: Renderer) -> None:
    files = sources(render(VARIANTS[EVERYTHING]))
    variables = {
        label: body for name in ("platform", "service") for text in _root(files, name) for label, body in declared(text, "variable")
    }
    for name, fact in {"kubernetes_version": "kubernetes", "postgresql_version": "postgresql", "valkey_version": "valkey"}.items():
        assert variables[name]["default"].strip('"') == VERSIONS[fact]
    addons = {name.strip('"'): version.strip('"') for name, version in variables["addon_versions"]["default"].items()}
    pinned = {name.removeprefix("addon_").replace("_", "-"): version for name, version in VERSIONS.items() if name.startswith("addon_")}
    assert addons == pinned


def _root(files: dict[str, str], name: str) -> list[str]:
    return [text for path, text in files.items() if path.startswith(f"{name}/")]


def test_answers_stand_in_environments_alone(render: Renderer) -> None:
    """Code is the same in every project that has the same options; what differs between two services is data."""
    one = sources(render({"service": "alpha", "team": "red", "aws_region": "us-east-1"}))
    other = sources(render({"service": "omega", "team": "blue"}))
    assert one == other


def test_modules_are_one_level_deep(render: Renderer) -> None:
    files = sources(render(VARIANTS[EVERYTHING]))
    assert not [name for name, text in files.items() if name.startswith("modules/") and re.search(r"^module ", text, re.MULTILINE)]
    used = {source for text in files.values() for source in re.findall(r'source += "\.\./modules/([a-z0-9_]+)"', text)}
    assert used == {name.split("/")[1] for name in files if name.startswith("modules/")}


@pytest.mark.parametrize("variant", NAMES)
def test_no_module_stands_without_a_user(variant: str, render: Renderer) -> None:
    files = sources(render(VARIANTS[variant]))
    used = {source for text in files.values() for source in re.findall(r'source += "\.\./modules/([a-z0-9_]+)"', text)}
    assert used == {name.split("/")[1] for name in files if name.startswith("modules/")}


def test_what_is_joined_is_not_made(render: Renderer) -> None:
    infra = render(VARIANTS["joined"]) / "infra"
    assert not (infra / "platform").exists()
    assert not list((infra / "environments").glob("*.platform.*"))
