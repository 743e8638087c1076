"""A rendered project that is really applied: its own script, its own backend, on an emulated AWS of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.harness import required
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.terraform import mirror, terraform_environment

# The emulator addresses buckets by path. Calls that it does not support must fail at once.
PROVIDER = """
provider "aws" {
  max_retries       = 2
  s3_use_path_style = true
}
"""
BY_PATH = "use_path_style = true\n"
QUIET = ("-input=false", "-no-color")
CHANGES = 2
"""Exit status of a plan that would change something."""

# No release of the AWS CLI is compatible with the suite's dependencies, so it runs in its own environment unless it is on PATH.
COMMAND_LINE = "awscli==1.45.11"


@lru_cache(maxsize=1)
def aws_command_line() -> Path:
    """The `aws` that the project's scripts call. Fails or skips, like for any missing tool, when it cannot be made."""
    if found := shutil.which("aws"):
        return Path(found)
    stand_in = Path(tempfile.mkdtemp(prefix="aws-")) / "aws"
    stand_in.write_text(f'#!/bin/sh\nexec "{required("uv")}" tool run --quiet --from {COMMAND_LINE} aws "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    return stand_in


@dataclass
class Stack:
    """One service in one environment, with the command that people use."""

    emulator: Emulator
    project: Path
    service: str
    environment: str
    region: str = "ap-southeast-1"
    plans: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Point providers and backends at the emulator; nothing else of the project changes."""
        for root in self.roots:
            (self.project / "infra" / root / "zz_emulator_override.tf").write_text(PROVIDER, encoding="utf-8")
        for backend in (self.project / "infra/environments").glob("*.s3.tfbackend"):
            backend.write_text(backend.read_text(encoding="utf-8") + BY_PATH, encoding="utf-8")

    @property
    def roots(self) -> list[str]:
        """Roots in the order in which they are applied."""
        return [root for root in ("bootstrap", "platform", "service") if (self.project / "infra" / root).is_dir()]

    def variables(self) -> dict[str, str]:
        """Environment variables of every process that works on this stack."""
        found = mirror()
        arguments = {"TF_CLI_ARGS_init": f"-plugin-dir={found}"} if found else {}
        path = os.pathsep.join([str(aws_command_line().parent), str(Path(required("terraform")).parent), os.environ["PATH"]])
        return {**terraform_environment(self.emulator.environment()), **arguments, "PATH": path}

    def run(self, *command: str, who: str = "script") -> "subprocess.CompletedProcess[str]":
        """Run a command in the project. `who` is the access key, by which recorded requests tell who made them."""
        who = "bootstrap" if "bootstrap" in command else who
        environment = {**self.variables(), "AWS_ACCESS_KEY_ID": f"{who}-{self.service}-{self.environment}"}
        return subprocess.run(command, cwd=self.project, capture_output=True, text=True, env=environment, check=False)

    def ops(self, *arguments: str, who: str = "script") -> "subprocess.CompletedProcess[str]":
        """Run the project's operations command."""
        return self.run("env", "PYTHONPATH=ops/src", sys.executable, "-m", "ops", *arguments, who=who)

    def terraform(self, root: str, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run Terraform in one root, as the project does."""
        where = ["bootstrap"] if root == "bootstrap" else [self.environment, root]
        return self.ops("terraform", *where, command, *arguments, who=root)

    def apply(self, root: str) -> None:
        """Apply a root. Raises AssertionError with Terraform's words."""
        done = self.terraform(root, "apply", "-auto-approve", *QUIET)
        assert done.returncode == 0, done.stderr[done.stderr.find("Error:") :]

    def changes(self, root: str) -> dict[str, dict[str, Any]]:
        """Return the changes of a further plan, by address: the planned change, with what is before and after."""
        plan = self.project / "infra" / root / f"{self.environment}.second.tfplan"
        done = self.terraform(root, "plan", "-detailed-exitcode", f"-out={plan.name}", *QUIET)
        assert done.returncode in {0, CHANGES}, done.stderr
        shown = self.terraform(root, "show", "-json", plan.name)
        document = json.loads(shown.stdout)
        return {c["address"]: c["change"] for c in document["resource_changes"] if c["change"]["actions"] not in (["no-op"], ["read"])}

    @property
    def bucket(self) -> str:
        """The bucket of the states."""
        return f"{self.service}-tfstate-123456789012-{self.region}"

    def states(self) -> dict[str, bytes]:
        """Every state in the bucket, by key."""
        s3 = self.emulator.client("s3", self.region)
        listed = s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {each["Key"]: s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read() for each in listed}

    def resources(self, key: str) -> list[dict[str, Any]]:
        """Attributes of every managed resource of a state, each with its type."""
        state = json.loads(self.states()[key])
        return [
            {**instance["attributes"], "type": resource["type"]}
            for resource in state["resources"]
            if resource["mode"] == "managed"
            for instance in resource["instances"]
        ]
