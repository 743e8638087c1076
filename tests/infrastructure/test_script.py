"""`infra/terraform.sh`: the right backend and answers for each root, and a bootstrap that moves its state into the bucket it made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import Renderer, required
from tests.infrastructure.variants import VARIANTS

# Stand-ins that write down how they were called. The bucket is there once a `terraform apply` of bootstrap ran.
TERRAFORM = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(os.environ["RECORD"])
local = [path.name for path in pathlib.Path(sys.argv[1].removeprefix("-chdir=")).glob("first_run*")]
call = {{"arguments": sys.argv[1:], "data": os.environ.get("TF_DATA_DIR"), "local": local}}
with (here / "calls").open("a") as log:
    log.write(json.dumps(call) + "\\n")
if "apply" in sys.argv:
    if (here / "broken").exists():
        (pathlib.Path(sys.argv[1].removeprefix("-chdir=")) / "terraform.tfstate").write_text("{{}}")
        (here / "bucket").touch()
        (here / "broken").unlink()
        sys.exit(1)
    (here / "bucket").touch()
"""
AWS = """#!{python}
import os, pathlib, sys
here = pathlib.Path(os.environ["RECORD"])
if "get-caller-identity" in sys.argv:
    if (here / "nobody").exists():
        sys.exit(255)
    print("111122223333")
elif "head-bucket" in sys.argv:
    assert "startup-tfstate-111122223333-ap-southeast-1" in sys.argv
    sys.exit(0 if (here / "bucket").exists() else 254)
"""
BUCKET = "-backend-config=bucket=startup-tfstate-111122223333-ap-southeast-1"


class Script:
    """The rendered script among stand-ins for `aws` and `terraform`."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.infra = project / "infra"
        self.folder = folder
        (folder / "bin").mkdir()
        for name, text in {"aws": AWS, "terraform": TERRAFORM}.items():
            program = folder / "bin" / name
            program.write_text(text.format(python=sys.executable), encoding="utf-8")
            program.chmod(0o755)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "RECORD": str(self.folder)}
        return subprocess.run([self.infra / "terraform.sh", *arguments], env=environment, capture_output=True, text=True, check=False)

    def calls(self, *arguments: str) -> list[list[str]]:
        """Arguments of the calls of Terraform, with the paths of the project left out."""
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        run = self.run(*arguments)
        assert run.returncode == 0, run.stderr
        return [[word.replace(f"{self.infra}/", "") for word in json.loads(line)["arguments"]] for line in log.read_text().splitlines()]


@pytest.fixture
def script(render: Renderer, tmp_path: Path) -> Script:
    project = tmp_path / "project"
    assert isinstance(render, Renderer)
    render.workspace(project, {**VARIANTS["startup"], "waf": True})
    return Script(project, tmp_path)


def test_a_plan_gets_backend_and_every_answer_of_its_environment(script: Script) -> None:
    init, plan = script.calls("dev", "service", "plan", "-out=dev.tfplan")
    assert init[:2] == ["-chdir=service", "init"]
    assert "-backend-config=environments/dev.service.s3.tfbackend" in init
    assert BUCKET in init
    files = ["-var-file=environments/dev.service.tfvars", "-var-file=environments/dev.service.waf.tfvars"]
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


def test_the_first_bootstrap_moves_its_state_into_the_bucket(script: Script) -> None:
    first, apply, move = script.calls("bootstrap", "apply")
    local = [json.loads(line)["local"] for line in (script.folder / "calls").read_text().splitlines()]
    assert local == [["first_run_override.tf"], ["first_run_override.tf"], []]
    assert "init" in first
    assert apply == ["-chdir=bootstrap", "apply", "-var-file=environments/bootstrap.tfvars", "-var-file=environments/github.tfvars"]
    assert {"init", "-migrate-state", "-force-copy", BUCKET} <= set(move)
    assert not list((script.infra / "bootstrap").glob("*_override.tf"))
    later = script.calls("bootstrap", "plan")
    assert BUCKET in later[0]
    assert "-migrate-state" not in later[0]


def test_a_bootstrap_that_broke_off_goes_on_with_its_local_state(script: Script) -> None:
    (script.folder / "broken").touch()
    assert script.run("bootstrap", "apply").returncode != 0
    assert not list((script.infra / "bootstrap").glob("*_override.tf"))
    assert "-migrate-state" in script.calls("bootstrap", "apply")[-1]
    assert not (script.infra / "bootstrap/terraform.tfstate").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "ENVIRONMENT ROOT COMMAND"),
        (("dev", "service"), "ENVIRONMENT ROOT COMMAND"),
        (("dev", "database", "plan"), "there is no root database"),
        (("prod", "service", "plan"), "is the environment spelled right?"),
    ],
)
def test_it_says_what_is_wrong(arguments: tuple[str, ...], words: str, script: Script) -> None:
    run = script.run(*arguments)
    assert run.returncode == 2
    assert words in run.stderr
    assert not (script.folder / "calls").exists()


def test_it_stops_when_aws_knows_nobody(script: Script) -> None:
    (script.folder / "nobody").touch()
    run = script.run("dev", "service", "plan")
    assert run.returncode == 2
    assert "log in first" in run.stderr
    assert not (script.folder / "calls").exists()


def test_shellcheck_finds_nothing(script: Script) -> None:
    run = subprocess.run([required("shellcheck"), script.infra / "terraform.sh"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
