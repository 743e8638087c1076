"""Runs a rendered project's deploy command: SSM, EKS and load balancers on an emulated AWS, kubectl recorded."""

# boto3 carries no types; what it returns is compared with literals.
# mypy: disable-error-code="import-untyped"

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from tests.harness import install_program, required

FAKE_KUBECTL = Path(__file__).with_name("fake_kubectl.py")

LOAD_BALANCER = "k8s-shop-0123456789.ap-southeast-1.elb.amazonaws.com"
DIGESTS = {name: f"sha256:{number:064x}" for number, name in enumerate(("api", "worker", "migrate"), start=1)}
CONTRACT_VALUES = {
    "region": "ap-southeast-1",
    "cluster_name": "shop-dev",
    "namespace": "shop",
    "service": "shop",
    "environment": "dev",
    "host": "dev.example.com",
    "database_host": "db.example.internal",
    "cache_host": "cache.example.internal",
    **{f"{name}_repository_url": f"123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/shop/dev/{name}" for name in DIGESTS},
}


@dataclass
class Call:
    """One call of kubectl: verb, the arguments after it, and what it read."""

    verb: str
    arguments: list[str]
    text: str
    kubeconfig: str

    @property
    def applied(self) -> list[str]:
        """Kind and name of what an apply was given."""
        return [f"{document['kind']}/{document['metadata']['name']}" for document in yaml.load_all(self.text, Loader=yaml.CSafeLoader)]


class Deployer:
    """One project, one fake cluster, one emulated AWS at `endpoint`."""

    def __init__(self, project: Path, folder: Path, endpoint: str) -> None:
        self.project = project
        self.folder = folder
        self.environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "PYTHONPATH": str(project / "ops/src"),
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        install_program(folder / "kubectl", FAKE_KUBECTL)
        (folder / "real-kubectl").symlink_to(required("kubectl"))
        self.holds({"namespace/shop": {}, "secretstore/secrets-manager": {}, "job-outcome": "Complete", "load-balancer": LOAD_BALANCER})

    def aws(self, service: str) -> Any:
        """A client of the emulated AWS."""
        return boto3.client(
            service,
            region_name="ap-southeast-1",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  the emulator's
        )

    def publish(self, **values: Any) -> None:
        """Publish the contract, a value of None left out, and a cluster."""
        example = json.loads((self.project / "deploy/contract.example.json").read_text(encoding="utf-8"))
        document = {name: value for name, value in (example | CONTRACT_VALUES | values).items() if value is not None}
        self.aws("ssm").put_parameter(Name="/service/shop/dev/contract", Value=json.dumps(document), Type="String", Overwrite=True)
        eks = self.aws("eks")
        if "shop-dev" not in eks.list_clusters()["clusters"]:
            network = {"subnetIds": [subnet["SubnetId"] for subnet in self.aws("ec2").describe_subnets()["Subnets"][:2]]}
            eks.create_cluster(name="shop-dev", roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig=network)

    def holds(self, state: Mapping[str, Any]) -> None:
        """Set what the cluster holds."""
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def meets(self, verb: str, text: str, **mishap: str | int) -> None:
        """Let the next call of a verb whose arguments or input contain `text` go wrong.

        `fails` is what it then says, after it did its work or, with `undone`, before. `signal` is sent to who called.
        """
        self.holds(self.state | {"mishap": {"verb": verb, "text": text, **mishap}})

    def hook(self, name: str, code: str) -> None:
        """Run Python code at each call of the cluster, with `folder`, `state`, `verb`, `rest` and `text` as variables."""
        (self.folder / f"{name}.hook").write_text(code, encoding="utf-8")

    def forget_calls(self) -> None:
        """Reset the count."""
        (self.folder / "calls.jsonl").unlink(missing_ok=True)

    def history(self) -> list[tuple[str, str]]:
        """Release and state of each entry of the environment's history, newest first."""
        rows = json.loads(self.state["configmap/deploy-history"]["data"]["releases"])
        return [(row["release"], row["state"]) for row in rows]

    @property
    def lock(self) -> str:
        """The holder of the environment's lock; empty when there is none."""
        holder: str = self.state["configmap/deploy-lock"]["data"]["holder"]
        return holder

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        return found

    def run(
        self, *arguments: str, environment: str = "dev", command: str = "deploy", images: Mapping[str, str] = DIGESTS
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of `ops` in the project's root."""
        named = [part for name, digest in images.items() for part in (f"--image-{name}", digest)]
        if command == "rollback":
            named = []
        return subprocess.run(
            [sys.executable, "-m", "ops", *command.split(), environment, *named, *arguments],
            cwd=self.project,
            env={**self.environment, "AWS_ACCESS_KEY_ID": f"{command.split(maxsplit=1)[0]}-{environment}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def calls(self) -> Iterator[Call]:
        path = self.folder / "calls.jsonl"
        if path.exists():
            yield from (Call(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())

    def applies(self) -> list[list[str]]:
        """Return the input of each apply of the release, in order, without the record of the deployed release."""
        given = [call.applied for call in self.calls() if call.verb == "apply"]
        return [names for names in given if names != ["ConfigMap/deploy-manifests"]]
