"""Plans of the rendered roots, as data."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from tests.harness import required
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.variants import Case

AT_ONCE = 2
"""Plans side by side: each takes a core and 0.5 GB."""

# Local state, and a provider that does not retry calls which the emulator does not support.
OVERRIDE = """
terraform {
  backend "local" {}
}

provider "aws" {
  max_retries                 = 2
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}
"""

PROVIDER = "*.*/hashicorp/aws"
"""Where a mirror keeps the provider: below the name of the registry it mirrors."""

_SKIPPED = {"proc", "sys", "dev", "run", "tmp", "var", "boot", "lost+found"}
_DEPTH = 3
_MOST_FOLDERS = 20_000


@lru_cache(maxsize=1)
def mirror() -> Path | None:
    """A folder that holds the provider, for machines without a way to the registry; None where there is none."""
    named = [os.environ[name] for name in ("TF_PLUGIN_CACHE_DIR", "TF_PLUGIN_MIRROR") if os.environ.get(name)]
    for folder in [*map(Path, named), Path.home() / ".terraform.d/plugins"]:
        if _holds_provider(folder):
            return folder
    return next(filter(_holds_provider, _folders(Path("/"))), None)


def _holds_provider(folder: Path) -> bool:
    try:
        return any(found.is_dir() for found in folder.glob(PROVIDER))
    except OSError:
        return False


def _folders(top: Path) -> Iterator[Path]:
    """Return the folders below `top`, nearest first; limited in depth and number, so that the search takes seconds."""
    level, seen = [top], 0
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            try:
                entries = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
            except OSError:
                continue
            below += [entry for entry in entries if entry.name not in _SKIPPED and not entry.name.startswith(".")]
        yield from below
        seen += len(below)
        if seen > _MOST_FOLDERS:
            return
        level = below


def terraform_environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` for Terraform; a configuration file that does not exist would be a warning on every call."""
    environment = {**base, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    if not Path(environment.get("TF_CLI_CONFIG_FILE", "")).is_file():
        environment.pop("TF_CLI_CONFIG_FILE", None)
    return environment


def init_arguments() -> list[str]:
    """`terraform init`, from the mirror where there is one."""
    found = mirror()
    return ["init", "-input=false", "-no-color", *([f"-plugin-dir={found}"] if found else [])]


@dataclass(frozen=True)
class Plan:
    """A plan: what `terraform show -json` says about it."""

    case: Case
    document: dict[str, Any] = field(repr=False)

    @cached_property
    def changes(self) -> list["Resource"]:
        """Resources that the plan creates."""
        return [Resource(change) for change in self.document["resource_changes"] if change["mode"] == "managed"]

    def of(self, kind: str, module: str = "") -> list["Resource"]:
        """Resources of one type, in one module where it is named."""
        return [change for change in self.changes if change.kind == kind and change.address.startswith(module)]

    def one(self, kind: str, module: str = "") -> "Resource":
        """The only resource of a type."""
        found = self.of(kind, module)
        assert len(found) == 1, f"{len(found)} of {kind}"
        return found[0]

    @cached_property
    def documents(self) -> dict[str, dict[str, Any]]:
        """Every IAM policy document by its address: those that are known, and those that wait for an ID."""
        found = {
            change["address"]: change["change"]["after"]
            for change in self.document["resource_changes"]
            if change["type"] == "aws_iam_policy_document"
        }
        for resource in _resources(self.document.get("prior_state", {}).get("values", {}).get("root_module", {})):
            if resource["type"] == "aws_iam_policy_document":
                found[resource["address"]] = resource["values"]
        return found

    def output(self, name: str) -> tuple[dict[str, Any], set[str]]:
        """An output that is an object: its known values, and all of its keys."""
        change = self.document["output_changes"][name]
        known = change["after"] if isinstance(change["after"], dict) else {}
        unknown = change["after_unknown"] if isinstance(change["after_unknown"], dict) else {}
        return known, {*known, *unknown}

    def warnings(self) -> set[str]:
        """Checks that did not pass."""
        return {check["address"]["name"] for check in self.document.get("checks", []) if check["status"] == "fail"}

    def blocks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every resource block of the configuration with its address without module keys."""
        yield from _blocks(self.document["configuration"]["root_module"], "")


class Resource:
    """One resource of a plan."""

    def __init__(self, change: Mapping[str, Any]) -> None:
        self.address: str = change["address"]
        self.kind: str = change["type"]
        self.key: Any = change.get("index")
        self.values: dict[str, Any] = change["change"]["after"]
        self.unknown: dict[str, Any] = change["change"]["after_unknown"]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def given(self, name: str) -> bool:
        """Whether an argument has a value, known now or after apply."""
        return bool(self.values.get(name)) or self.unknown.get(name) is True

    def __repr__(self) -> str:
        return self.address


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def _blocks(module: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in module.get("resources", []):
        yield prefix + block["address"], block
    for name, call in module.get("module_calls", {}).items():
        yield from _blocks(call["module"], f"{prefix}module.{name}.")


class Planner:
    """Plans cases on the emulator, two at a time, each once."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.binary = required("terraform")
        self.emulator = emulator
        self.folder = folder
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.seen: dict[Case, Future[Plan]] = {}
        self.locks: dict[Path, Lock] = {}

    def start(self, case: Case, project: Path) -> None:
        """Plan a case in the background. Call from one thread."""
        if case.root == "service":
            self.emulator.publish_platform(project, case.environment)
        if case.root == "bootstrap" and case.joins:
            self.emulator.trust_github()
        workspace = self.folder / case.variant
        if not workspace.exists():
            shutil.copytree(project / "infra", workspace)
            for root in ("bootstrap", "platform", "service"):
                if (workspace / root).is_dir():
                    (workspace / root / "zz_emulator_override.tf").write_text(OVERRIDE, encoding="utf-8")
        self.seen[case] = self.pool.submit(self._plan, case, workspace / case.root)

    def __call__(self, case: Case) -> Plan:
        """The plan of a case that was started. Raises AssertionError with Terraform's words when it failed."""
        return self.seen[case].result()

    def run(self, root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run Terraform in a root against the emulator."""
        environment = terraform_environment(self.emulator.environment())
        return subprocess.run([self.binary, f"-chdir={root}", *arguments], capture_output=True, text=True, env=environment, check=False)

    def initialise(self, root: Path) -> None:
        """`terraform init`, unless it was done."""
        with self.locks.setdefault(root, Lock()):
            if not (root / ".terraform/providers").exists():
                done = self.run(root, *init_arguments())
                assert done.returncode == 0, done.stderr

    def with_answers(self, case: Case, *answers: str) -> Plan:
        """The plan of a case with other answers, each `name=value`."""
        self(case)
        return self._plan(case, self.folder / case.variant / case.root, *answers)

    def _plan(self, case: Case, root: Path, *answers: str) -> Plan:
        self.initialise(root)
        name = f"{case.environment}.tfplan"
        files = [f"-var-file={path}" for path in case.var_files(root.parent / "environments")]
        others = [f"-var={answer}" for answer in answers]
        done = self.run(root, "plan", "-input=false", "-lock=false", "-no-color", f"-out={name}", *files, *case.arguments(), *others)
        assert done.returncode == 0, done.stderr
        shown = self.run(root, "show", "-json", name)
        assert shown.returncode == 0, shown.stderr
        return Plan(case, json.loads(shown.stdout))
