"""The commands of the rendered workflows `ci` and `security`, run in order as a runner does, in a project as its first commit is."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Renderer, commit_all, git, required
from tests.infrastructure.terraform import mirror, terraform_environment
from tests.service.conftest import folder, run_uv, uv_environment  # noqa: F401  a fixture among them
from tests.workflows.projects import workflows_of

# No advisories are fetched: the script records the query, and everything before it is real.
UVX = """#!/usr/bin/env bash
set -euo pipefail
if [[ $1 == pip-audit==* ]]; then
  grep --quiet '^fastapi==' "$3" && grep --quiet '^boto3==' "$3" && ! grep --quiet -- '^-e' "$3"
  exit
fi
exec "{uvx}" "$@"
"""


@pytest.fixture
def project(render: Renderer, folder: Path, tmp_path: Path) -> Path:  # noqa: F811  the fixture
    """A new project, locked and committed."""
    made = render.workspace(folder / tmp_path.name, {})
    run_uv(made, "lock", "--quiet")
    commit_all(made, "Start")
    return made


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return a runner's PATH, and the path of Terraform's providers on a machine that cannot reach the registry."""
    for tool in ("kubectl", "terraform", "jq"):
        required(tool)
    (tmp_path / "bin").mkdir()
    uvx = tmp_path / "bin/uvx"
    uvx.write_text(UVX.format(uvx=required("uvx")), encoding="utf-8")
    uvx.chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), str(Path(required("uv")).parent), os.environ["PATH"]])
    found = mirror()
    providers = {"TF_CLI_ARGS_init": f"-plugin-dir={found}"} if found else {}
    return terraform_environment(uv_environment()) | {"PATH": path} | providers


def commands(workflow: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Job and command of each step that runs one."""
    for name, job in workflow["jobs"].items():
        yield from ((name, step["run"]) for step in job["steps"] if "run" in step)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("ci", 12), ("security", 5)])
def test_the_steps_pass_in_order(project: Path, environment: dict[str, str], tmp_path: Path, name: str, least: int) -> None:
    workflow = workflows_of(project)[name]
    ran = 0
    for job, command in commands(workflow):
        script = tmp_path / "step.sh"
        script.write_text(command, encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=project,
            env=environment | {key: str(value) for key, value in workflow["env"].items()},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{job}: {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        ran += 1
    assert ran >= least
    # The team commits Terraform's lock files once it has initialised the root modules.
    left = [line for line in git("status", "--porcelain", cwd=project).splitlines() if not line.endswith(".terraform.lock.hcl")]
    assert left == []


@pytest.mark.slow
def test_a_secret_and_an_unsafe_migration_are_found(project: Path, environment: dict[str, str]) -> None:
    def run(script: str) -> subprocess.CompletedProcess[str]:
        command = [str(project / ".github/scripts" / script)]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=600)

    key = "AKIA" + "Q3EGWZ7J2XH5LMNP"
    (project / "src/app/key.py").write_text(f'KEY = "{key}"\n', encoding="utf-8")
    (project / "src/app/tasks/migrations/tasks_9999_unsafe.py").write_text(
        'from alembic import op\n\nrevision = "tasks_9999"\ndown_revision = "tasks_0001"\n\n\n'
        'def upgrade():\n    op.drop_column("tasks", "status")\n\n\ndef downgrade():\n    pass\n',
        encoding="utf-8",
    )
    git("add", "-A", cwd=project)
    secrets, migrations = run("scan-secrets.sh"), run("check-migrations.sh")
    assert (secrets.returncode, "src/app/key.py:1: AWS Access Key" in secrets.stdout) == (1, True)
    assert migrations.returncode == 1
    assert "ban-drop-column" in migrations.stdout + migrations.stderr
