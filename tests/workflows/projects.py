"""The variants whose workflows, images or scripts differ, and the template's own repository."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.generator.test_removal import EVERYTHING
from tests.harness import ROOT, Renderer

THIS_REPOSITORY = "this repository"

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "sandbox": {"profile": "sandbox"},
    "startup": {},
    "reviewed": {"github_plan": "enterprise", "environments": ["dev", "staging", "production"]},
    "public": {"repository_visibility": "public"},
    "production": {"profile": "production", "domain": "api.example.com"},
    "everything": EVERYTHING,
    "join": {"platform": "join", "off_hours_shutdown": "none", "service": "on"},
}


def folder_of(render: Renderer, variant: str) -> Path:
    """The rendered project of a variant, or the template's own repository."""
    return ROOT if variant == THIS_REPOSITORY else render(VARIANTS[variant])


def workflows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Name of each workflow to what it holds."""
    found = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((folder / ".github/workflows").glob("*.yml"))}
    assert found, f"{folder} has no workflow"
    return found


def triggers_of(workflow: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the triggers of a workflow: YAML reads the key `on` as a boolean."""
    triggers: dict[str, Any] = workflow[True]
    return triggers


def steps_of(workflow: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All steps of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
