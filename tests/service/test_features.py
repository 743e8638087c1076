"""A feature is one folder: deleted or switched, the rest of a project stands, and so does its database."""

import ast
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.harness import ROOT
from tests.service.conftest import uv_environment

Projects = Callable[[str], Path]

FEATURES = sorted(path.parent.name for path in (ROOT / "template/src/app").glob("*/feature.py"))
NEEDED = {"health", "tasks"}
"""The API serves the first and the worker runs the second: they are part of every service."""
VARIANT = {"tracing": "everything", "ses": "everything", "remote_accounts": "remote accounts"}
"""A variant that has the feature, where the default project has not."""
BORROWERS = {"idempotency": "tests/faults"}
"""Tests of no feature that use one: their probe's writes are idempotent."""


def run(project: Path, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the sources and tests of a folder, with the installed packages of a project."""
    environment = uv_environment() | {"PYTHONPATH": f"{source / 'src'}:{source / 'ops/src'}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(project / ".venv/bin/python"), *arguments]
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False, timeout=600)


def importers(project: Path) -> Mapping[str, set[str]]:
    """Each feature with those whose modules import it."""
    found: dict[str, set[str]] = {path.parent.name: set() for path in (project / "src/app").glob("*/feature.py")}
    for feature in found:
        for file in (project / "src/app" / feature).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("app."):
                    other = node.module.split(".")[1]
                    if other in found and other != feature:
                        found[other].add(feature)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("feature", sorted(set(FEATURES) - NEEDED))
def test_a_feature_is_deleted_with_its_folder(feature: str, projects: Projects, folder: Path) -> None:
    """With the features that import it. The rest is collected without an error, its migrations go up and down."""
    project = projects(VARIANT.get(feature, "defaults"))
    rest = folder / f"without-{feature}"
    shutil.copytree(project, rest, ignore=shutil.ignore_patterns(".git", ".venv", ".dev", "__pycache__", ".*_cache"), symlinks=True)
    using, gone = importers(project), [feature]
    for one in gone:
        gone += sorted(using[one] - set(gone))
    assert not NEEDED & set(gone)
    for one in gone:
        shutil.rmtree(rest / "src/app" / one)
        shutil.rmtree(rest / "tests" / one, ignore_errors=True)
        if one in BORROWERS:
            shutil.rmtree(rest / BORROWERS[one])
    collected = run(project, rest, "-m", "pytest", "--collect-only", "-q", "-n", "0")
    assert collected.returncode == 0, collected.stdout[-3000:]
    assert int(collected.stdout.split(" tests collected")[0].rsplit(maxsplit=1)[-1].partition("/")[0]) > 100
    migrated = run(
        project, rest, "-m", "pytest", "-q", "-n", "0", "tests/migrations/test_migrations.py", "tests/migrations/test_commands.py"
    )
    assert migrated.returncode == 0, migrated.stdout[-3000:]


COPYING = """
import os, subprocess, sys
from pathlib import Path
from app.dev.services import running_services

with running_services(Path(sys.argv[1]), "app", durable=False) as addresses:
    os.environ |= {"DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
    subprocess.run([sys.executable, "-m", "app", "migrate"], check=True)
    sys.exit(subprocess.run(["bash", "-euo", "pipefail", "-c", sys.argv[2]]).returncode)
"""


@pytest.mark.slow
def test_the_sample_is_copied_as_its_document_says(projects: Projects, folder: Path) -> None:
    """The commands of docs/products.md make a feature whose tests pass, and no file outside its two folders changes."""
    project, copied = projects("defaults"), folder / "copied"
    shutil.copytree(project, copied, ignore=shutil.ignore_patterns(".venv", ".dev", "__pycache__", ".*_cache"), symlinks=True)
    text = (copied / "docs/products.md").read_text(encoding="utf-8")
    commands = text.split("\n## Copy it\n")[1].split("```sh\n")[1].split("```")[0]
    done = run(project, copied, "-c", COPYING, str(folder / "copied-data"), commands)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=copied, capture_output=True, text=True, check=True).stdout
    assert changed.splitlines() == ["?? src/app/orders/", "?? tests/orders/"]
    assert sorted(path.name.split("_")[0] for path in (copied / "src/app/orders/migrations").glob("*.py")) == ["orders"]


DRIVER = """
import json, os, subprocess, sys
from pathlib import Path
from app.dev.services import running_services

folder, steps = Path(sys.argv[1]), json.loads(sys.argv[2])
with running_services(folder, "app", durable=False) as addresses:
    for source, *arguments in steps:
        variables = {"PYTHONPATH": source, "DATABASE_URL": addresses.database_url, "REDIS_URL": addresses.redis_url}
        done = subprocess.run([sys.executable, "-m", "app", *arguments], env=os.environ | variables, capture_output=True, text=True)
        print(json.dumps([done.returncode, (done.stdout + done.stderr).splitlines()]), flush=True)
"""


@pytest.mark.slow
def test_accounts_are_switched_off_and_on_with_a_database_that_has_them(projects: Projects, folder: Path) -> None:
    """Each command that cannot go on says in one line what to do, and that is then enough."""
    project = projects("defaults")
    local, remote = (str(projects(variant) / "src") for variant in ("defaults", "remote accounts"))
    forget = ["--forget", "accounts_0002", "--forget", "audit_0001"]
    gone = ["accounts_0002, audit_0001, of no feature", f"`app migrate {' '.join(forget)}`", "audit_events, ", ", users)"]
    exists = ["already exists", "`app alembic stamp FEATURE@head`"]
    steps: list[tuple[list[str], int, list[str]]] = [
        ([remote, "migrate"], 0, []),
        ([local, "migrate"], 0, []),
        ([remote, "migrate"], 1, gone),
        ([remote, "doctor"], 1, gone),
        ([local, "migrate"], 0, []),
        ([remote, "migrate", *forget], 0, []),
        ([remote, "doctor"], 0, []),
        ([local, "migrate"], 1, exists),
        ([local, "alembic", "stamp", "accounts@head", "audit@head"], 0, []),
        ([local, "migrate"], 0, []),
        ([local, "doctor"], 0, []),
    ]
    done = run(project, project, "-c", DRIVER, str(folder / "switched"), json.dumps([step for step, _, _ in steps]))
    assert done.returncode == 0, done.stderr[-3000:]
    for (step, status, words), line in zip(steps, done.stdout.splitlines(), strict=True):
        found, output = json.loads(line)
        assert found == status, (step, output)
        if status:
            assert len(output) == 1, (step, output)
            assert all(word in output[0] for word in words), (step, output)
