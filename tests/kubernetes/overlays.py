"""Rendered overlays: the variants that differ, and their manifests."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.generator.test_removal import EVERYTHING
from tests.harness import required

Manifest = dict[str, Any]

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "sandbox": {"profile": "sandbox"},
    "startup": {},
    "production": {"profile": "production", "domain": "api.example.com"},
    "regulated": {"profile": "regulated", "domain": "api.example.com"},
    "everything": EVERYTHING,
    "join": {"platform": "join", "accounts": "remote", "route_prefix": "/billing/api", "service": "billing", "off_hours_shutdown": "none"},
    "queue": {"worker_scaling": "queue"},
    "canary": {"delivery": "canary", "worker_scaling": "cpu"},
    "boolean name": {"service": "on", "platform_name": "yes"},
}
"""Every profile, every option, and each option of the manifests apart from its usual company."""


def kustomize(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization."""
    run = subprocess.run([required("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{folder}: {run.stderr}"
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def overlays_of(project: Path) -> list[Path]:
    """The overlays of a rendered project; fails when there is none."""
    found = sorted(path for path in (project / "deploy/overlays").iterdir() if path.is_dir())
    assert found, "the project has no overlay"
    return found


def select(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """All of one kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The only one of a kind with a name."""
    found = [manifest for manifest in select(manifests, kind) if manifest["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} x {kind}/{name}"
    return found[0]


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """Return the data of the processes' ConfigMap."""
    maps = [m for m in select(manifests, "ConfigMap") if m["metadata"]["name"].startswith("settings-")]
    assert len(maps) == 1
    settings: dict[str, str] = maps[0]["data"]
    return settings
