"""The rendered project on the cluster: its contract on an emulated AWS, and its own commands against the real API server.

Two things stand between a command and the cluster: `kubectl` is the real one as a member of the deployers' group, and an emulator answers
what the commands ask of AWS. The commands themselves run as they were rendered.
"""

# boto3 carries no types; what it returns is compared with literals.
# mypy: disable-error-code="import-untyped"

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import yaml

from tests.cluster.cluster import Cluster
from tests.cluster.stack import Passwords
from tests.harness import commit_all, git, required
from tests.kubernetes.deployer import DIGESTS
from tests.kubernetes.overlays import Manifest

REGION = "ap-southeast-1"
ENVIRONMENT = "dev"
SETTINGS = "SMTP_HOST=smtp.example.com\nMAIL_FROM=noreply@example.com\n"
COMMAND_SECONDS = 1500


@dataclass(frozen=True)
class Service:
    """One rendered project, one namespace of the same name, one emulated AWS."""

    project: Path
    name: str
    cluster: Cluster
    tools: Path
    endpoint: str

    def prepare(self) -> None:
        """Put the tools in their place, and the project under version control."""
        self.tools.mkdir()
        self._kubectl(self.tools / "deployer", self.cluster.impersonate(f"{self.name}-deployers"))
        self._kubectl(self.tools / "administrator", self.cluster)
        self.settings("")
        self.commit("Start")

    def _kubectl(self, folder: Path, cluster: Cluster) -> None:
        folder.mkdir()
        words = " ".join(shlex.quote(word) for word in cluster.command())
        path = folder / "kubectl"
        path.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    @property
    def _overlay(self) -> Path:
        return self.project / "deploy/overlays" / ENVIRONMENT

    def settings(self, lines: str) -> None:
        """Set what the environment's user sets, beside what every deploy needs."""
        (self._overlay / "settings.env").write_text(SETTINGS + lines, encoding="utf-8")

    def patches(self, patches: list[Manifest]) -> None:
        """Set the user's patches of the environment, after those of a new project."""
        path = self._overlay / "patches.yaml"
        first = git("rev-list", "--max-parents=0", "HEAD", cwd=self.project).strip()
        rendered = yaml.safe_load_all(git("show", f"{first}:{path.relative_to(self.project)}", cwd=self.project))
        path.write_text(yaml.safe_dump_all([*rendered, *patches], sort_keys=False), encoding="utf-8")

    def commit(self, message: str) -> str:
        """Commit the project's current state. Return the commit."""
        commit_all(self.project, message)
        return git("rev-parse", "HEAD", cwd=self.project).strip()

    def aws(self, service: str) -> Any:
        """A client of the emulated AWS."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  the emulator's
        )

    def publish(self, registry: str, **values: Any) -> None:
        """Publish the contract and the cluster that it names."""
        contract = json.loads((self.project / "deploy/contract.example.json").read_text(encoding="utf-8"))
        contract |= {
            "service": self.name,
            "environment": ENVIRONMENT,
            "region": REGION,
            "cluster_name": self.name,
            "namespace": self.name,
            "database_host": "db.example.internal",
            "cache_host": "cache.example.internal",
            "host": "",
            "certificate_arn": "",
            **{f"{image}_repository_url": f"{registry}/{self.name}/{ENVIRONMENT}/{image}" for image in DIGESTS},
        }
        contract |= values
        name = f"/service/{self.name}/{ENVIRONMENT}/contract"
        self.aws("ssm").put_parameter(Name=name, Value=json.dumps(contract), Type="String", Overwrite=True)
        clusters = self.aws("eks")
        if self.name not in clusters.list_clusters()["clusters"]:
            clusters.create_cluster(name=self.name, roleArn="arn:aws:iam::123456789012:role/eks", resourcesVpcConfig={"subnetIds": []})

    def publish_logins(self, passwords: Passwords) -> str:
        """The secrets that `database-roles` reads; the ARN of the master's."""
        vault = self.aws("secretsmanager")
        logins = {"master": passwords.master, "database-app": passwords.app, "database-migrations": passwords.migrations}
        arns = {}
        for name, password in logins.items():
            user = name.removeprefix("database-")
            value = json.dumps({"username": user, "password": password})
            arns[name] = vault.create_secret(Name=f"{self.name}/{name}", SecretString=value)["ARN"]
        return str(arns["master"])

    def publish_image(self, target: str, manifest: str, digest: str) -> None:
        """Let the emulated registry know an image: a rollback asks for it."""
        images = self.aws("ecr")
        name = f"{self.name}/{ENVIRONMENT}/{target}"
        with suppress(images.exceptions.RepositoryAlreadyExistsException):
            images.create_repository(repositoryName=name)
        images.put_image(repositoryName=name, imageManifest=manifest, imageTag=digest.removeprefix("sha256:"), imageDigest=digest)
        images.describe_images(repositoryName=name, imageIds=[{"imageDigest": digest}])

    def environment(self, *, administrator: bool = False) -> dict[str, str]:
        """The variables of a command."""
        tools = self.tools / ("administrator" if administrator else "deployer")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "KUBECONFIG"))},
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "PYTHONPATH": str(self.project / "ops/src"),
            "PATH": os.pathsep.join([str(tools), str(Path(required("kubectl")).parent), os.environ["PATH"]]),
        }

    def command(self, name: str, *arguments: str, images: Mapping[str, str] | None = None) -> list[str]:
        """The arguments of a process that runs a command of `ops`."""
        named = [f"--image-{target}={digest}" for target, digest in (images or {}).items()]
        return [sys.executable, "-m", "ops", name, ENVIRONMENT, *named, *arguments]

    def run(
        self, name: str, *arguments: str, images: Mapping[str, str] | None = None, administrator: bool = False
    ) -> CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            self.command(name, *arguments, images=images),
            cwd=self.project,
            env=self.environment(administrator=administrator),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    def succeed(self, name: str, *arguments: str, images: Mapping[str, str] | None = None, administrator: bool = False) -> str:
        """Run a command that must succeed. Return its output."""
        done = self.run(name, *arguments, images=images, administrator=administrator)
        assert done.returncode == 0, f"{name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def started(self, name: str, *arguments: str, images: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """A command that is under way; killed at the end of the block if it still is."""
        with subprocess.Popen(
            self.command(name, *arguments, images=images),
            cwd=self.project,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def get(self, *arguments: str) -> dict[str, Any]:
        """One resource of the service's namespace."""
        return self.cluster.get(*arguments, f"--namespace={self.name}")

    def managers(self, kind: str, name: str) -> set[tuple[str, str]]:
        """Return the owners of a resource's fields, and their operations: managers of the status subresource left out."""
        found = self.get(kind, name, "--show-managed-fields")["metadata"]["managedFields"]
        return {(each["manager"], each["operation"]) for each in found if "subresource" not in each}

    def container(self, deployment: str) -> dict[str, Any]:
        """The first container of a Deployment, as the cluster holds it."""
        found: dict[str, Any] = self.get("deployment", deployment)["spec"]["template"]["spec"]["containers"][0]
        return found


def deployment(name: str, change: Mapping[str, Any]) -> Manifest:
    """A strategic merge patch of a Deployment."""
    metadata = {"name": name, **change.get("metadata", {})}
    return {"apiVersion": "apps/v1", "kind": "Deployment", **change, "metadata": metadata}


def pods(name: str, change: Mapping[str, Any]) -> Manifest:
    """A strategic merge patch of the pods of a Deployment."""
    return deployment(name, {"spec": {"template": {"spec": dict(change)}}})
