"""Terraform: the only module that starts it.

Each root runs with the backend and the variables that belong to it. The state's bucket is
<service>-tfstate-<account>-<region>, with the account of the AWS credentials in use. The first `apply` of bootstrap
makes that bucket on a local state, then moves the state into it.
"""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops import project as projects
from ops import tfvars
from ops.errors import OpsError

BOOTSTRAP = "bootstrap"
CHANGES = 2
"""Exit status of a plan with -detailed-exitcode that would change something."""
ROOTS = ("platform", "service")
"""Roots of an environment, in the order in which they are applied."""
_WITH_VARIABLES = {"plan", "apply", "destroy", "refresh", "import", "console"}
_LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'


@dataclass(frozen=True, slots=True)
class Root:
    """One root of one environment; bootstrap has no environment."""

    project: Path
    environment: str
    root: str

    @classmethod
    def of(cls, project: Path, environment: str, root: str) -> Self:
        """A root that exists, of an environment that exists. Raises OpsError."""
        found = cls(project, "" if root == BOOTSTRAP else environment, root)
        if not found.exists:
            raise OpsError(f"there is no root {root} in infra/")
        if not found.backend.is_file():
            shown = found.backend.relative_to(project)
            raise OpsError(f"there is no {shown}: is the environment spelled right?")
        return found

    @property
    def name(self) -> str:
        """Root and environment, for people."""
        return f"{self.root} of {self.environment}" if self.environment else self.root

    @property
    def folder(self) -> Path:
        """The folder of the root."""
        return self.project / "infra" / self.root

    @property
    def exists(self) -> bool:
        """Whether this project has the root."""
        return self.folder.is_dir()

    @property
    def backend(self) -> Path:
        """The root's backend in this environment; the bucket's name is not in it."""
        return self.project / "infra" / "environments" / f"{self._stem}.s3.tfbackend"

    def run(self, *arguments: str) -> None:
        """Run a command of Terraform at the terminal. Raises OpsError."""
        if self.call(*arguments):
            raise OpsError(f"terraform {arguments[0]} failed in {self.name}")

    def read(self, *arguments: str) -> str:
        """Run a command that changes nothing. Return its standard output. Raises OpsError."""
        with self._initialised():
            done = self._terraform(*self._with_variables(arguments), capture=True)
        if done.returncode:
            raise OpsError(f"terraform {arguments[0]} failed in {self.name}\n{done.stderr.strip()}")
        return str(done.stdout)

    def plan(self, file: str) -> bool:
        """Show a plan and save it in the root's folder. Return whether it changes anything. Raises OpsError."""
        status = self.call("plan", "-input=false", "-detailed-exitcode", f"-out={file}")
        if status not in (0, CHANGES):
            raise OpsError(f"terraform plan failed in {self.name}")
        return status == CHANGES

    def call(self, *arguments: str) -> int:
        """Run a Terraform command at the terminal. Return its exit status. Raises OpsError if it cannot be started."""
        if arguments[0] == "init":
            with self._initialised(*arguments[1:]):
                return 0
        with self._initialised() as local:
            status = self._terraform(*self._with_variables(arguments)).returncode
        if local and arguments[0] == "apply" and not status:
            self._move_state()
        return status

    @property
    def _stem(self) -> str:
        return f"{self.environment}.{self.root}" if self.environment else self.root

    def _bucket(self) -> str:
        facts = projects.facts(self.project)
        return f"{facts['SERVICE']}-tfstate-{account_id(facts['AWS_REGION'])}-{facts['AWS_REGION']}"

    def _backend_arguments(self) -> list[str]:
        return [f"-backend-config={self.backend}", f"-backend-config=bucket={self._bucket()}"]

    @contextmanager
    def _initialised(self, *arguments: str) -> Iterator[bool]:
        """Initialise the root's backend. Yield whether the state is local, as in bootstrap's first run."""
        if not self._has_local_state():
            self._start("init", "-input=false", "-reconfigure", *self._backend_arguments(), *arguments)
            yield False
            return
        override = self.folder / "first_run_override.tf"
        override.write_text(_LOCAL_BACKEND, encoding="utf-8")
        try:
            self._start("init", "-input=false", "-reconfigure", *arguments)
            yield True
        finally:
            override.unlink(missing_ok=True)

    def _has_local_state(self) -> bool:
        """Return whether the state is local: in the first run, or after a first run that was interrupted."""
        if self.root != BOOTSTRAP:
            return False
        return (self.folder / "terraform.tfstate").is_file() or not self._bucket_exists()

    def _bucket_exists(self) -> bool:
        s3: Any = boto3.client("s3", region_name=projects.facts(self.project)["AWS_REGION"])
        try:
            s3.head_bucket(Bucket=self._bucket())
        except (BotoCoreError, ClientError):
            return False
        return True

    def _move_state(self) -> None:
        if not self._bucket_exists():
            raise OpsError(f"apply made no bucket {self._bucket()}")
        self._start("init", "-input=false", "-migrate-state", "-force-copy", *self._backend_arguments())
        for name in ("terraform.tfstate", "terraform.tfstate.backup"):
            (self.folder / name).unlink(missing_ok=True)

    def _with_variables(self, arguments: tuple[str, ...]) -> list[str]:
        """Return the command with the variables of the environment, if it takes variables."""
        command, *rest = arguments
        # A saved plan already contains its variables.
        saved = command == "apply" and bool(rest) and (self.folder / rest[-1]).is_file()
        if saved or command not in _WITH_VARIABLES:
            return [command, *rest]
        files = tfvars.files(self.project, self.environment, self.root)
        return [command, *(f"-var-file={file}" for file in files), *rest]

    def _start(self, *arguments: str) -> None:
        """Run a command whose output is not needed. Raises OpsError."""
        done = self._terraform(*arguments, to_stderr=True)
        if done.returncode:
            raise OpsError(f"terraform {arguments[0]} failed in {self.name}")

    def _terraform(
        self, *arguments: str, capture: bool = False, to_stderr: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        terraform = shutil.which("terraform")
        if terraform is None:
            raise OpsError("terraform is not on PATH")
        # A separate data directory per environment, so that no command uses the backend of another environment.
        data = {"TF_DATA_DIR": f".terraform/{self.environment or BOOTSTRAP}", "TF_IN_AUTOMATION": "1"}
        streams: dict[str, Any] = {"capture_output": True} if capture else {"stdout": sys.stderr} if to_stderr else {}
        return subprocess.run(  # noqa: S603  no shell, and the arguments are this command's own
            [terraform, f"-chdir={self.folder}", *arguments],
            env={**os.environ, **data},
            text=True,
            check=False,
            **streams,
        )


def roots_of(project: Path, environment: str, only: str = "") -> list[Root]:
    """The roots of an environment in their order, or one of them. Raises OpsError."""
    if environment == BOOTSTRAP:
        return [Root.of(project, "", BOOTSTRAP)]
    names = [only] if only else [name for name in ROOTS if (project / "infra" / name).is_dir()]
    return [Root.of(project, environment, name) for name in names]


def account_id(region: str) -> str:
    """The account of the AWS credentials in use. Raises OpsError without any."""
    sts: Any = boto3.client("sts", region_name=region)
    try:
        return str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"AWS does not know who you are, log in first: {error}") from None
