"""helm: the only module that starts it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ops.errors import OpsError

# Time to pull images and, if necessary, to start a node.
WAIT = "10m0s"
# Stored revisions per release, each a Secret in the cluster.
HISTORY = 5


@dataclass(frozen=True, slots=True)
class Addon:
    """A chart, its version and where it goes. `facts` maps a value's path to what fills it."""

    name: str
    repository: str
    version: str
    namespace: str
    apply_crds: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


class Helm:
    """One cluster, through a kubeconfig of the deploy's own."""

    def __init__(self, kubeconfig: Path) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}

    def install(self, addon: Addon, values: Path, facts: Mapping[str, Any], *, dry_run: bool = False) -> str:
        """Install or upgrade and wait until it is up; roll back when it does not come up. Raises OpsError.

        The facts win over the file. A dry run prints what would be applied.
        """
        arguments = [
            "upgrade", "--install", addon.name, addon.name, *_chart(addon),
            f"--namespace={addon.namespace}", "--create-namespace", f"--values={values}", "--values=-",
            f"--history-max={HISTORY}", "--wait", f"--timeout={WAIT}", "--atomic",
        ]  # fmt: skip
        return self._helm([*arguments, "--dry-run=client"] if dry_run else arguments, text=yaml.safe_dump(dict(facts)))

    def releases(self) -> dict[str, dict[str, str]]:
        """Return the installed releases by name, with `status` and `chart` among the facts of each."""
        # Helm 4 has no --all, and Helm 3 by default lists only deployed and failed releases.
        states = ["--deployed", "--failed", "--pending", "--uninstalling"]
        rows = json.loads(self._helm(["list", "--all-namespaces", *states, "--output=json"]) or "[]")
        return {row["name"]: row for row in rows}

    def custom_resources(self, addon: Addon) -> list[dict[str, Any]]:
        """The definitions that a chart brings outside of its templates."""
        text = self._helm(["show", "crds", addon.name, *_chart(addon)])
        return [document for document in yaml.safe_load_all(text) if document]

    def _helm(self, arguments: list[str], *, text: str = "") -> str:
        helm = shutil.which("helm")
        if helm is None:
            raise OpsError("helm is not on PATH; version 3.14 or newer is needed")
        done = subprocess.run(  # noqa: S603  no shell, and the arguments are the deploy's own
            [helm, *arguments], input=text, capture_output=True, text=True, check=False, env=self._environment
        )
        if done.returncode:
            raise OpsError(f"helm {' '.join(arguments[:3])} failed:\n{(done.stderr or done.stdout).strip()}")
        return done.stdout


def _chart(addon: Addon) -> list[str]:
    return [f"--repo={addon.repository}", f"--version={addon.version}"]
