"""A process starts with what its pod gives it: the service's own settings take every overlay's variables and miss none."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer, required
from tests.kubernetes.overlays import Manifest, kustomize, one, overlays_of, select
from tests.kubernetes.pods import containers
from tests.service.conftest import run_uv, uv_environment

pytestmark = pytest.mark.slow

VARIANTS: dict[str, dict[str, Any]] = {
    "startup": {},
    "everything": EVERYTHING,
    "remote accounts": {"accounts": "remote", "tracing": True, "worker_scaling": "queue"},
}

# The image sets the last variable.
_IMAGE = {"DATABASE_SSL_ROOT_CERT": "deploy/certs/rds.pem"}

_CHECK = """import json, os, sys
from app.doctor import setting_faults
from app.kit.configuration import ConfigurationError
from app.settings import Settings

def faults(process):
    if process != "Job/migrate":
        return setting_faults()
    try:
        Settings.load()
    except ConfigurationError as error:
        return [str(fault) for fault in error.faults]
    return []

own = dict(os.environ)
found = {}
for process, variables in json.load(sys.stdin).items():
    os.environ.clear()
    os.environ.update(own | variables)
    found[process] = faults(process)
print(json.dumps(found))
"""


@pytest.fixture(scope="module", params=VARIANTS)
def project(request: pytest.FixtureRequest, render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered project with its own environment."""
    made = render.workspace(tmp_path_factory.mktemp("settings") / "project", VARIANTS[request.param])
    run_uv(made, "lock", "--quiet")
    run_uv(made, "sync", "--quiet", "--locked")
    return made


def variables(manifests: list[Manifest]) -> dict[str, dict[str, str]]:
    """Process to the variables of its container; a secret's value is 48 characters, as Terraform makes it."""
    maps = {manifest["metadata"]["name"]: manifest["data"] for manifest in select(manifests, "ConfigMap")}
    found: dict[str, dict[str, str]] = {}
    for name, _, container in containers(manifests):
        if name == "Deployment/metrics":
            continue
        found[name] = dict(_IMAGE)
        for source in container["envFrom"]:
            if "configMapRef" in source:
                found[name] |= maps[source["configMapRef"]["name"]]
            else:
                secret = one(manifests, "ExternalSecret", source["secretRef"]["name"])
                found[name] |= {item["secretKey"]: item["secretKey"].lower().ljust(48, "x") for item in secret["spec"].get("data", [])}
    return found


def faults(project: Path, given: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Process to what its settings refuse."""
    run = subprocess.run(
        [required("uv"), "run", "--quiet", "--no-sync", "python", "-c", _CHECK],
        input=json.dumps(given),
        cwd=project,
        env={**uv_environment(), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, list[str]] = json.loads(run.stdout)
    return found


def test_every_process_starts_with_what_its_pod_gives_it(project: Path) -> None:
    for overlay in overlays_of(project):
        given = variables(kustomize(overlay))
        assert set(given) == {"Deployment/api", "Deployment/worker", "Job/migrate"}
        assert faults(project, given) == {process: [] for process in given}, overlay.name


def test_a_variable_that_is_missing_or_wrong_is_found(project: Path) -> None:
    given = variables(kustomize(overlays_of(project)[0]))
    del given["Job/migrate"]["DATABASE_PASSWORD"]
    given["Deployment/worker"]["WORKER_CONCURRENCY"] = "ten"
    given["Deployment/api"]["DATABASE_SSL_MODE"] = "disable"
    assert all(faults(project, given).values())
