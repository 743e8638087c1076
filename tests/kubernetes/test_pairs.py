"""All pairs of the answers that change the manifests: every overlay renders and passes every check, as it stands and as a deploy makes it.

The first rows run with every change, the full set is marked slow: `pytest -m slow tests/kubernetes/test_pairs.py`.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sampan import matrix
from tests.harness import ANSWERS_FILE, Renderer
from tests.kubernetes import entries, network, rules, schemas, semantics
from tests.kubernetes.overlays import Manifest, kustomize, overlays_of, select
from tests.kubernetes.rows import ELSEWHERE, LEVELS, MADE, ROWS
from tests.rules.manifest_rules import MANIFESTS, Environment

QUICK = 2
"""Rows that are checked with every change; the variants of the other modules are checked then, too."""

EVERY = [pytest.param(row, marks=[pytest.mark.slow] if number >= QUICK else [], id=row) for number, row in enumerate(ROWS)]

_WRITE = """import json, sys
from ops.component import component
from ops.contract import Contract
from ops.images import Images
digest = "sha256:" + "a" * 64
sys.stdout.write(component(Contract.parse(sys.stdin.read()), Images.of(digest, digest, digest)))
"""


def faults(overlay: Path, answers: dict[str, Any]) -> list[str]:
    """Return all faults of one overlay."""
    manifests = kustomize(overlay)
    assert len(manifests) > 25, f"{overlay} renders almost nothing"
    found = [problem for manifest in manifests for problem in schemas.problems(manifest)]
    found += [fault for check in [*semantics.CHECKS, *rules.RULES] for fault in check(manifests)]
    found += [
        f"{rule}: {places}" for rule, places in MANIFESTS.broken(Environment(manifests, kustomize(overlay.parents[1] / "access"))).items()
    ]
    found += [*entries.dead(overlay, manifests), *network.unlike(manifests, answers)]
    return found + [f"{m['metadata']['name']}: ENVIRONMENT" for m in _settings(manifests) if m["data"]["ENVIRONMENT"] != overlay.name]


def _settings(manifests: list[Manifest]) -> list[Manifest]:
    found = [m for m in select(manifests, "ConfigMap") if m["metadata"]["name"].startswith("settings-")]
    assert len(found) == 1
    return found


def answers_of(project: Path) -> dict[str, Any]:
    """Return the project's answers, the profile's defaults included."""
    answers: dict[str, Any] = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    return answers


def as_deployed(project: Path, folder: Path) -> Path:
    """A copy of `deploy/` with a contract's component in it: of real names, and of what this project's answers leave out."""
    answers = answers_of(project)
    contract = json.loads((project / "deploy/contract.example.json").read_text(encoding="utf-8"))
    contract |= {"region": answers["aws_region"], "namespace": answers["service"]}
    contract |= {"database_host": "db.example.internal", "cache_host": "cache.example.internal"}
    if not answers["domain"]:
        contract |= {"host": "", "certificate_arn": ""}
    if answers["cache_groups"] == "two":
        contract |= {"lru_cache_host": "lru.example.internal", "lru_cache_port": 6379}
    environment = {**os.environ, "PYTHONPATH": str(project / "ops/src")}
    run = subprocess.run(
        [sys.executable, "-c", _WRITE], input=json.dumps(contract), env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    shutil.copytree(project / "deploy", folder)
    (folder / "components/contract/kustomization.yaml").write_text(run.stdout, encoding="utf-8")
    return folder


@pytest.mark.parametrize("row", EVERY)
def test_a_row_renders_and_passes_every_check(row: str, render: Renderer, tmp_path: Path) -> None:
    project = render(ROWS[row])
    deployed = as_deployed(project, tmp_path / "deploy")
    found = {}
    for overlay in overlays_of(project):
        found[f"{overlay.name}, as it stands"] = faults(overlay, answers_of(project))
        found[f"{overlay.name}, as deployed"] = faults(deployed / "overlays" / overlay.name, answers_of(project))
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_every_pair_of_levels_is_checked() -> None:
    """Refused combinations are left out; the number of rows is part of what the project says of itself."""
    covered = {pair for row in MADE for pair in matrix.pairs(row)}
    every = {
        ((first, a), (second, b))
        for first, second in itertools.combinations(sorted(LEVELS), 2)
        for a in LEVELS[first]
        for b in LEVELS[second]
    }
    whole = {pair for row in matrix.rows() for pair in matrix.pairs(row)}
    assert (every & whole) - covered == set()
    assert len(MADE) >= 15


def manifests_of(project: Path) -> dict[str, str]:
    """Return the manifests of every overlay."""
    return {overlay.name: json.dumps(kustomize(overlay)) for overlay in overlays_of(project)}


@pytest.mark.slow
@pytest.mark.parametrize("question", sorted(ELSEWHERE))
def test_a_question_that_is_left_out_changes_no_manifest(question: str, render: Renderer) -> None:
    rendered = [manifests_of(render({question: level})) for level in map(yaml.safe_load, matrix.levels()[question])]
    assert all(manifests == rendered[0] for manifests in rendered)
