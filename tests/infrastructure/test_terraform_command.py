"""`ops terraform`: the right backend and variables for each root, and a bootstrap that moves its state into the bucket it made."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.variants import VARIANTS

# Records its arguments. The bucket exists once `terraform apply` has run for bootstrap.
TERRAFORM = """#!{python}
import json, os, pathlib, sys
import boto3
here = pathlib.Path(os.environ["RECORD"])
local = [path.name for path in pathlib.Path(sys.argv[1].removeprefix("-chdir=")).glob("first_run*")]
call = {{"arguments": sys.argv[1:], "data": os.environ.get("TF_DATA_DIR"), "local": local}}
with (here / "calls").open("a") as log:
    log.write(json.dumps(call) + "\\n")
if "apply" in sys.argv:
    constraint = {{"LocationConstraint": "ap-southeast-1"}}
    s3 = boto3.client("s3", region_name="ap-southeast-1")
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(Bucket="{bucket}", CreateBucketConfiguration=constraint)
    if (here / "broken").exists():
        (pathlib.Path(sys.argv[1].removeprefix("-chdir=")) / "terraform.tfstate").write_text("{{}}")
        (here / "broken").unlink()
        sys.exit(1)
if "-detailed-exitcode" in sys.argv:
    sys.exit(2)
"""
NAME = "startup-tfstate-123456789012-ap-southeast-1"
BUCKET = f"-backend-config=bucket={NAME}"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    """An AWS for this module alone."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Emulator(f"http://{host}:{port}")
    server.stop()


class Script:
    """The rendered command beside a recorded `terraform`."""

    def __init__(self, project: Path, folder: Path, cloud: Emulator) -> None:
        self.project = project
        self.infra = project / "infra"
        self.folder = folder
        (folder / "bin").mkdir()
        program = folder / "bin/terraform"
        program.write_text(TERRAFORM.format(python=sys.executable, bucket=NAME), encoding="utf-8")
        program.chmod(0o755)
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**cloud.environment(), "PATH": path, "RECORD": str(folder), "PYTHONPATH": str(project / "ops/src")}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "ops", *arguments]
        return subprocess.run(command, cwd=self.project, env=self.environment, capture_output=True, text=True, check=False)

    def recorded(self, *arguments: str) -> list[list[str]]:
        """Arguments of the calls of Terraform, with the paths of the project left out."""
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        run = self.run(*arguments)
        assert run.returncode == 0, run.stderr
        return [[word.replace(f"{self.infra}/", "") for word in json.loads(line)["arguments"]] for line in log.read_text().splitlines()]

    def calls(self, *arguments: str) -> list[list[str]]:
        """The same of `ops terraform`."""
        return self.recorded("terraform", *arguments)


@pytest.fixture
def script(render: Renderer, tmp_path: Path, cloud: Emulator) -> Iterator[Script]:
    project = render.workspace(tmp_path / "project", {**VARIANTS["startup"], "waf": True})
    yield Script(project, tmp_path, cloud)
    s3 = cloud.client("s3", "ap-southeast-1")
    if any(bucket["Name"] == NAME for bucket in s3.list_buckets()["Buckets"]):
        s3.delete_bucket(Bucket=NAME)


def test_a_plan_gets_backend_and_every_answer_of_its_environment(script: Script) -> None:
    init, plan = script.calls("dev", "service", "plan", "-out=dev.tfplan")
    assert init[:2] == ["-chdir=service", "init"]
    assert "-backend-config=environments/dev.service.s3.tfbackend" in init
    assert BUCKET in init
    # The team's own values come last, so they take precedence.
    files = [
        "-var-file=environments/dev.service.tfvars",
        "-var-file=environments/dev.service.waf.tfvars",
        "-var-file=environments/dev.service.local.tfvars",
    ]
    assert plan == ["-chdir=service", "plan", *files, "-out=dev.tfplan"]


def test_two_environments_keep_their_working_data_apart(script: Script) -> None:
    folders = set()
    for environment in ("dev", "production"):
        script.calls(environment, "platform", "plan")
        folders |= {json.loads(line)["data"] for line in (script.folder / "calls").read_text().splitlines()}
    assert folders == {".terraform/dev", ".terraform/production"}


def test_an_apply_brings_the_answers_unless_a_saved_plan_holds_them(script: Script) -> None:
    assert "-var-file=environments/dev.platform.tfvars" in script.calls("dev", "platform", "apply")[-1]
    (script.infra / "platform/dev.tfplan").touch()
    assert script.calls("dev", "platform", "apply", "dev.tfplan")[-1] == ["-chdir=platform", "apply", "dev.tfplan"]


def test_other_commands_get_no_answers(script: Script) -> None:
    assert script.calls("dev", "platform", "output", "-json")[-1] == ["-chdir=platform", "output", "-json"]
    assert script.calls("dev", "platform", "init", "-upgrade") == [
        [
            "-chdir=platform",
            "init",
            "-input=false",
            "-reconfigure",
            "-backend-config=environments/dev.platform.s3.tfbackend",
            BUCKET,
            "-upgrade",
        ]
    ]


@pytest.mark.parametrize("words", [("destroy", "-auto-approve"), ("apply", "-destroy")])
def test_a_whole_destroy_is_refused_before_half_of_it_is_gone(words: tuple[str, ...], script: Script) -> None:
    """AWS, and the emulator with its words, deletes no database that is protected: Terraform finds out when the rest is gone already."""
    refused = script.run("terraform", "dev", "service", *words)
    assert refused.returncode == 1
    assert "ops destroy dev" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (script.folder / "calls").exists()
    target = "-target=module.waf"
    assert script.calls("dev", "service", "destroy", target)[-1][-1] == target


def test_the_first_bootstrap_moves_its_state_into_the_bucket(script: Script) -> None:
    first, apply, move = script.calls("bootstrap", "apply")
    local = [json.loads(line)["local"] for line in (script.folder / "calls").read_text().splitlines()]
    assert local == [["first_run_override.tf"], ["first_run_override.tf"], []]
    assert "init" in first
    files = [f"-var-file=environments/{name}.tfvars" for name in ("bootstrap", "github", "bootstrap.local")]
    assert apply == ["-chdir=bootstrap", "apply", *files]
    assert {"init", "-migrate-state", "-force-copy", BUCKET} <= set(move)
    assert not list((script.infra / "bootstrap").glob("*_override.tf"))
    later = script.calls("bootstrap", "plan")
    assert BUCKET in later[0]
    assert "-migrate-state" not in later[0]


def test_a_bootstrap_that_broke_off_goes_on_with_its_local_state(script: Script) -> None:
    (script.folder / "broken").touch()
    assert script.run("terraform", "bootstrap", "apply").returncode != 0
    assert not list((script.infra / "bootstrap").glob("*_override.tf"))
    assert "-migrate-state" in script.calls("bootstrap", "apply")[-1]
    assert not (script.infra / "bootstrap/terraform.tfstate").exists()


def test_the_exit_status_is_terraforms(script: Script) -> None:
    assert script.run("terraform", "dev", "service", "plan", "-detailed-exitcode").returncode == 2


def test_plan_and_apply_go_through_every_root_in_order(script: Script) -> None:
    plans = [call for call in script.recorded("plan", "dev") if "plan" in call]
    assert [call[0] for call in plans] == ["-chdir=platform", "-chdir=service"]
    applies = [call for call in script.recorded("apply", "dev", "--root", "service") if "apply" in call]
    assert [call[0] for call in applies] == ["-chdir=service"]
    # Terraform asks for confirmation by default.
    assert "-auto-approve" not in applies[0]


def test_nothing_is_asked_with_yes(script: Script) -> None:
    applies = [call for call in script.recorded("apply", "dev", "--root", "service", "--yes") if "apply" in call]
    assert {"-auto-approve", "-input=false"} <= set(applies[0])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "Missing argument"),
        (("dev", "service"), 2, "ENVIRONMENT ROOT COMMAND"),
        (("dev", "database", "plan"), 1, "there is no root database"),
        (("prod", "service", "plan"), 1, "is the environment spelled right?"),
    ],
)
def test_it_says_what_is_wrong(arguments: tuple[str, ...], status: int, words: str, script: Script) -> None:
    run = script.run("terraform", *arguments)
    assert run.returncode == status
    assert words in run.stderr
    assert not (script.folder / "calls").exists()


def test_it_stops_when_aws_knows_nobody(script: Script) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del script.environment[name]
    script.environment["HOME"] = str(script.folder)
    run = script.run("terraform", "dev", "service", "plan")
    assert run.returncode == 1
    assert "log in first" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (script.folder / "calls").exists()
