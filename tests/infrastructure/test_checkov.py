"""checkov finds nothing in the rendered roots: what is deliberately different says so beside its resource."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Renderer, required
from tests.infrastructure.variants import EVERYTHING, VARIANTS, Case, cases

pytestmark = pytest.mark.slow

# Only an old release is compatible with the suite's dependencies, so Checkov runs in a separate environment.
CHECKOV = "checkov==3.3.30"
# This release, the newest on 2026-11-28, knows Kubernetes versions up to 1.35 (EKSPlatformVersion.py).
BEHIND = "CKV_AWS_339"
SCANNED = {"sandbox", "production", EVERYTHING}
CASES = [pytest.param(case, id=str(case)) for case in cases("bootstrap", "platform", "service") if case.variant in SCANNED]
MOST_SKIPS = 14
SHORTEST_REASON = 30


def scan(case: Case, project: Path) -> dict[str, Any]:
    """Results of checkov on one root, with the answers of one environment."""
    infra = project / "infra"
    files = [argument for path in case.var_files(infra / "environments") for argument in ("--var-file", str(path))]
    command = [required("uv"), "tool", "run", "--quiet", "--from", CHECKOV, "checkov", "--skip-download", "--quiet", "--compact"]
    command += ["--skip-check", BEHIND, "--framework", "terraform", "--output", "json", "--directory", str(infra / case.root), *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=infra)
    if not run.stdout.lstrip().startswith("{"):
        if os.environ.get("SAMPAN_REQUIRE_TOOLS") == "1":
            pytest.fail(run.stderr)
        pytest.skip(f"checkov cannot be had: {run.stderr[-300:]}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_found(case: Case, render: Renderer) -> None:
    found = scan(case, render(VARIANTS[case.variant]))
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 50
    assert [f"{check['check_id']} {check['resource']}: {check['check_name']}" for check in found["results"]["failed_checks"]] == []


def test_skips_are_few_and_give_reasons(render: Renderer) -> None:
    infra = render(VARIANTS[EVERYTHING]) / "infra"
    comments = [
        comment for path in sorted(infra.rglob("*.tf")) for comment in re.findall(r"checkov:skip=(.*)", path.read_text(encoding="utf-8"))
    ]
    assert comments
    assert len(comments) <= MOST_SKIPS
    assert not [comment for comment in comments if len(comment.partition(":")[2].strip()) < SHORTEST_REASON]
