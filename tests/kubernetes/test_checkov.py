"""checkov finds nothing in production's manifests: what is deliberately different says so beside its resource."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import Renderer, required
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize

pytestmark = pytest.mark.slow

# Only an old release is compatible with the suite's dependencies, so Checkov runs in a separate environment.
CHECKOV = "checkov==3.3.30"
SCANNED = ("sandbox", "startup", "production", "regulated", "everything", "join")
MOST_SKIPS = 6
SHORTEST_REASON = 30


def production(render: Renderer, variant: str) -> list[Manifest]:
    """The manifests of production, or of the only environment."""
    overlays = render(VARIANTS[variant]) / "deploy/overlays"
    return kustomize(overlays / ("production" if (overlays / "production").is_dir() else "dev"))


def scan(manifests: list[Manifest], folder: Path) -> dict[str, Any]:
    """Results of checkov."""
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    command = [required("uv"), "tool", "run", "--quiet", "--from", CHECKOV, "checkov", "--skip-download", "--quiet", "--compact"]
    command += ["--framework", "kubernetes", "--output", "json", "--file", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if not run.stdout.lstrip().startswith("{"):
        if os.environ.get("SAMPAN_REQUIRE_TOOLS") == "1":
            pytest.fail(run.stderr)
        pytest.skip(f"checkov cannot be had: {run.stderr[-300:]}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def failed(found: dict[str, Any]) -> list[str]:
    return [f"{check['check_id']} {check['resource']}: {check['check_name']}" for check in found["results"]["failed_checks"]]


@pytest.mark.parametrize("variant", SCANNED)
def test_nothing_is_found_and_skips_are_few(variant: str, render: Renderer, tmp_path: Path) -> None:
    found = scan(production(render, variant), tmp_path)
    assert failed(found) == []
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 300
    assert 0 < found["summary"]["skipped"] <= MOST_SKIPS


@pytest.mark.parametrize("variant", SCANNED)
def test_every_skip_gives_its_reason(variant: str, render: Renderer) -> None:
    skips = [
        value
        for manifest in production(render, variant)
        for key, value in manifest["metadata"].get("annotations", {}).items()
        if key.startswith("checkov.io/skip")
    ]
    assert 0 < len(skips) <= MOST_SKIPS
    assert not [skip for skip in skips if len(skip.partition("=")[2]) < SHORTEST_REASON]


def test_a_privileged_container_is_found(render: Renderer, tmp_path: Path) -> None:
    manifests = production(render, "startup")
    api = next(m for m in manifests if m["kind"] == "Deployment" and m["metadata"]["name"] == "api")
    api["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    assert [line for line in failed(scan(manifests, tmp_path)) if line.startswith("CKV_K8S_16 ")]
