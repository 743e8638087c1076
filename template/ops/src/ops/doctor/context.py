"""The context of the checks: the project, its environment, AWS, GitHub and the cluster, all read-only."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from ops import project, tfvars
from ops.aws import read_contract, write_kubeconfig
from ops.contract import Contract, parameter_name
from ops.errors import OpsError
from ops.github import Plan, Repository
from ops.kubectl import Cluster


@dataclass
class Context:
    """The environment of the project that is checked."""

    root: Path
    environment: str
    _environments: dict[str, dict[str, Any] | None] = field(default_factory=dict, repr=False)

    @cached_property
    def facts(self) -> dict[str, str]:
        """project.env."""
        return project.facts(self.root)

    @property
    def service(self) -> str:
        """Name of the service."""
        return self.facts["SERVICE"]

    @property
    def region(self) -> str:
        """The region."""
        return self.facts["AWS_REGION"]

    @property
    def name(self) -> str:
        """The prefix of the names of the environment's resources."""
        return f"{self.service}-{self.environment}"

    @cached_property
    def repository(self) -> Repository:
        """The repository at GitHub, by the variables of bootstrap."""
        values = self.bootstrap
        return Repository(f"{values.get('github_owner', '')}/{values.get('github_repository', '')}")

    @cached_property
    def github_problem(self) -> str:
        """The reason why GitHub cannot be checked, or empty text."""
        try:
            self.repository.read()
        except OpsError as error:
            return str(error)
        return ""

    def github_environment(self, name: str) -> dict[str, Any] | None:
        """Return an environment of GitHub, or None. The answer is cached."""
        if name not in self._environments:
            self._environments[name] = self.repository.environment(name)
        return self._environments[name]

    @cached_property
    def cluster_problem(self) -> str:
        """The reason why the cluster cannot be checked; empty if it can, or does not exist yet."""
        if self.cluster is None:
            return ""
        try:
            self.cluster.exists("namespace", self.service)
        except OpsError as error:
            return " ".join(str(error).splitlines())
        return ""

    @cached_property
    def plan(self) -> Plan:
        """The features of the project's GitHub plan."""
        return Plan.of(self.root)

    @cached_property
    def bootstrap(self) -> dict[str, Any]:
        """Variables of the account."""
        return tfvars.read(self.root, "", "bootstrap")

    @cached_property
    def platform(self) -> dict[str, Any]:
        """Variables of the platform; empty if the service joins another project's platform."""
        return tfvars.read(self.root, self.environment, "platform") if self.creates_platform else {}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Variables of the service."""
        return tfvars.read(self.root, self.environment, "service")

    @property
    def creates_platform(self) -> bool:
        """Whether this project has a platform of its own."""
        return (self.root / "infra" / "platform").is_dir()

    def aws(self, service: str, region: str = "") -> Any:
        """A client, in the project's region unless another is named."""
        return boto3.client(service, region_name=region or self.region)

    def _parameter(self, name: str) -> bool:
        try:
            self.aws("ssm").get_parameter(Name=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return False
            raise
        return True

    @cached_property
    def has_platform(self) -> bool:
        """Whether the platform's contract is published."""
        return self._parameter(f"/platform/{self.settings.get('platform_name')}/{self.environment}/contract")

    @cached_property
    def contract(self) -> Contract | None:
        """The service's contract, once it is published."""
        if not self._parameter(parameter_name(self.service, self.environment)):
            return None
        return read_contract(self.service, self.environment, self.region)

    @cached_property
    def cluster(self) -> Cluster | None:
        """The service's namespace, once there is a contract."""
        if self.contract is None:
            return None
        return Cluster(write_kubeconfig(self.root, self.environment, self.contract), self.contract.namespace)
