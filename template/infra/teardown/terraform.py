"""Terraform's part: roots, what their states hold, and the first root's own state."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from deploy.failure import DeployError

from teardown.contents import Resource


@dataclass(frozen=True, slots=True)
class Root:
    """One root of one environment, through infra/terraform.sh."""

    project: Path
    environment: str
    folder: str

    @property
    def name(self) -> str:
        """Root and environment, for people."""
        return f"{self.folder} of {self.environment}" if self.environment else self.folder

    @property
    def exists(self) -> bool:
        """Whether this project has the root."""
        return (self.project / "infra" / self.folder).is_dir()

    def terraform(self, *arguments: str, quiet: bool = False) -> str:
        """Run Terraform; its standard output where it is to be quiet. Raises DeployError."""
        where = [self.environment, self.folder] if self.environment else [self.folder]
        command = [str(self.project / "infra" / "terraform.sh"), *where, *arguments]
        done = subprocess.run(command, capture_output=quiet, text=True, check=False)  # noqa: S603  the project's own script
        if done.returncode != 0:
            raise DeployError(f"terraform {arguments[0]} failed in {self.name}\n{done.stderr or ''}".strip())
        return done.stdout or ""

    def resources(self) -> list[Resource]:
        """What the state holds."""
        state = json.loads(self.terraform("show", "-json", quiet=True))
        return list(_resources(state.get("values", {}).get("root_module", {})))


def _resources(module: Mapping[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", []):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def other_states(bucket: str, region: str) -> list[str]:
    """States in the bucket, beside the first root's, that still hold resources."""
    s3 = boto3.client("s3", region_name=region)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    kept = [key for key in keys if key.endswith(("/platform.tfstate", "/service.tfstate"))]
    states = {key: json.load(s3.get_object(Bucket=bucket, Key=key)["Body"]) for key in kept}
    return [key for key, state in states.items() if state["resources"]]


def fetch_state(root: Root) -> None:
    """Bring the first root's state out of the bucket that is to go; infra/terraform.sh then works on the file."""
    text = root.terraform("state", "pull", quiet=True)
    (root.project / "infra" / root.folder / "terraform.tfstate").write_text(text, encoding="utf-8")


def drop_local_state(root: Root) -> None:
    """The file has served its turn."""
    for name in ("terraform.tfstate", "terraform.tfstate.backup"):
        (root.project / "infra" / root.folder / name).unlink(missing_ok=True)
