"""`ops up` with the real Terraform: from an empty emulated account to a release, the apply of each root cut off once.

Minutes, so marked slow: `pytest -m slow tests/operations/test_up_applied.py`. gh, helm and kubectl are recorded.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Renderer, install_program, required
from tests.infrastructure.emulator import emulated_aws
from tests.infrastructure.stack import Stack, aws_command_line
from tests.kubernetes.deployer import FAKE_KUBECTL
from tests.operations.world import FAKE_HELM, HERE, World

pytestmark = pytest.mark.slow

ANSWERS = {"profile": "sandbox", "service": "shop", "platform_name": "shop", "github_owner": "acme", "github_plan": "enterprise"}
PERSON = 3
ROOTS = ("bootstrap", "platform", "service")

# The real one. Where a file interrupt-<root> is beside it, AWS denies what its apply asks for after a number of changes.
# A Ctrl-C would be no fair test: Terraform then drops the requests that are under way, AWS may still carry them
# out, and what they create is missing from the state.
TERRAFORM = """#!/bin/sh
for argument; do case $argument in -chdir=*) root=${{argument##*/}} ;; esac; done
echo "$root $2" >>{folder}/terraform.log
if [ "$2" = apply ] && [ -e {folder}/interrupt-"$root" ]; then
  mv {folder}/interrupt-"$root" {deny}
  {terraform} "$@"
  status=$?
  rm {deny}
  exit $status
fi
exec {terraform} "$@"
"""
# Version 2 is not on a package index. Version 1 has the same commands, so it runs under the other version number.
AWS = """#!/bin/sh
case $1 in --version) echo aws-cli/2.30.0 ;; *) exec {aws} "$@" ;; esac
"""
CHANGES = {"bootstrap": 8, "platform": 40, "service": 40}


@dataclass
class Account:
    """A project, its emulated account and the tools that its command finds."""

    stack: Stack
    world: World

    def ops(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as a person would, from the project's folder."""
        variables = self.stack.variables()
        path = os.pathsep.join([str(self.world.folder), variables["PATH"]])
        environment = {**variables, "PATH": path, "PYTHONPATH": "ops/src", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        command = [sys.executable, "-m", "ops", *arguments]
        return subprocess.run(command, cwd=self.stack.project, capture_output=True, text=True, env=environment, check=False)

    def applies(self) -> list[str]:
        """Roots that were applied, in order."""
        lines = (self.world.folder / "terraform.log").read_text(encoding="utf-8").splitlines()
        return [line.removesuffix(" apply") for line in lines if line.endswith(" apply")]

    def push_images(self) -> None:
        """Push images, as the workflow `release` does."""
        layers = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": [], "tag": "%s"}'
        registry = self.stack.emulator.client("ecr", self.stack.region)
        for name in ("api", "worker", "migrate"):
            registry.put_image(repositoryName=f"shop/dev/{name}", imageManifest=layers % name, imageTag="deployed-1")


@pytest.fixture(scope="module")
def account(render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("up")
    tools = folder / "bin"
    tools.mkdir()
    for name, source in {"kubectl": FAKE_KUBECTL, "helm": FAKE_HELM, "gh": HERE / "fake_gh.py"}.items():
        install_program(tools / name, source)
    wrapper = TERRAFORM.format(folder=tools, terraform=required("terraform"), deny=folder / "aws.deny")
    (tools / "terraform").write_text(wrapper, encoding="utf-8")
    for root, changes in CHANGES.items():
        (tools / f"interrupt-{root}").write_text(str(changes), encoding="utf-8")
    (tools / "real-kubectl").symlink_to(required("kubectl"))
    (tools / "aws").write_text(AWS.format(aws=aws_command_line()), encoding="utf-8")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    project = render.workspace(folder / "project", ANSWERS)
    world = World(project, tools)
    world.start()
    world.set_up()
    mail = "LOG_LEVEL=INFO\nMAIL_FROM=noreply@example.com\nSMTP_HOST=smtp.example.com"
    world.edit("deploy/overlays/dev/settings.env", "LOG_LEVEL=INFO", mail)
    with emulated_aws(folder / "aws.log") as emulator:
        yield Account(Stack(emulator, project, "shop", "dev"), world)


def test_from_an_empty_account_to_a_release(account: Account) -> None:
    """The apply of each root is cut off once, and the next run continues from there."""
    for root in ROOTS:
        broken = account.ops("up", "dev", "--yes")
        assert broken.returncode == 1, broken.stdout[-2000:] + broken.stderr[-3000:]
        assert f"terraform apply failed in {root}" in broken.stderr, broken.stderr[-5000:]
        assert "Traceback" not in broken.stderr
        assert account.applies()[-1] == root
    waiting = account.ops("up", "dev", "--yes")
    assert waiting.returncode == PERSON, waiting.stdout[-2000:] + waiting.stderr[-3000:]
    assert "Push the main branch" in waiting.stderr
    account.push_images()
    done = account.ops("up", "dev", "--yes")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "dev is up" in done.stdout


def test_a_second_run_applies_nothing(account: Account) -> None:
    before = account.applies()
    again = account.ops("up", "dev", "--yes")
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-3000:]
    steps = [line for line in again.stdout.splitlines() if ": takes " in line]
    assert steps == []
    assert account.applies() == before


def test_the_status_is_green(account: Account) -> None:
    account.world.holds(**{"deployments/--output=json": {"items": []}})
    status = account.ops("status", "dev", "--json")
    assert status.returncode == 0, status.stderr[-3000:]
    found: dict[str, Any] = json.loads(status.stdout)
    assert found["release"]["state"] == "deployed"
    assert [finding for finding in found["findings"] if finding["severity"] == "error"] == []
    assert found["drift"] == ""
