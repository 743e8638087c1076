"""A rendered project passes its own checks: format, lint, strict types, tests, and leaves nothing behind in git."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import site_reference

from tests.harness import ANSWERS_FILE, ROOT, Renderer, files_of, git
from tests.service.conftest import VARIANTS, run_uv

Projects = Callable[[str], Path]


def number(pattern: str, output: str) -> int:
    """The number that a pattern finds in a run's output."""
    found = re.search(pattern, output)
    assert found is not None, output[-2000:]
    return int(found.group(1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_is_formatted_linted_and_typed(variant: str, projects: Projects) -> None:
    project = projects(variant)
    run_uv(project, "run", "--locked", "ruff", "format", "--check", ".")
    run_uv(project, "run", "--locked", "ruff", "check", ".")
    assert "no issues found" in run_uv(project, "run", "--locked", "mypy")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_resolves_only_versions_that_were_tested(variant: str, projects: Projects) -> None:
    """Include the packages on which its own packages depend."""
    project = projects(variant)
    locked = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))["package"]
    found = {f"{package['name']}=={package['version']}" for package in locked if "registry" in package["source"]}
    pins = (ROOT / "extensions/catalogue/packages.txt").read_text(encoding="utf-8").splitlines()
    assert len(found) > 60
    assert found <= {pin.partition(" ; ")[0] for pin in pins}


# Measures the database from an administrator's machine, which has the development group.
DRILLS = "asyncpg"


def test_deploy_jobs_install_what_the_operations_command_imports_and_what_that_needs(projects: Projects, tmp_path: Path) -> None:
    project = projects("everything")
    lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package for package in lock["package"]}
    exported = run_uv(project, "export", "--quiet", "--locked", "--only-group", "ops", "--no-emit-local", "--no-header")
    group = set(re.findall(r"^([a-z0-9-]+)==", exported, re.MULTILINE))
    # Every package has a hash from the lock file: uv refuses files with other hashes.
    assert all(re.search(rf"^{name}==.*\\\n    --hash=sha256:", exported, re.MULTILINE) for name in group)

    environment = tmp_path / "environment"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_PROJECT_ENVIRONMENT", str(environment))
        run_uv(project, "sync", "--quiet", "--locked", "--only-group", "ops")
    columns = {**os.environ, "COLUMNS": "80"}
    shown = subprocess.run([environment / "bin/ops", "--help"], capture_output=True, text=True, check=True, env=columns).stdout
    assert "Usage: ops" in shown
    assert "shell, and reaches the cluster through a kubeconfig of its own: the current" in shown, "a paragraph fills its lines"
    script = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()))"
    found = subprocess.run([environment / "bin/python", "-c", script], capture_output=True, text=True, check=True).stdout
    provides = {module: names[0].lower() for module, names in json.loads(found).items()}

    imported = {name for path in (project / "ops/src").rglob("*.py") for name in imports(path)} - sys.stdlib_module_names - {"ops", DRILLS}
    needed: set[str] = set()
    queue = [provides[name] for name in imported]
    while queue:
        name = queue.pop()
        if name not in needed:
            needed.add(name)
            queue.extend(dependency["name"] for dependency in locked[name].get("dependencies", []))
    assert needed == group
    # botocore is installed with boto3.
    declared = {dependency["name"] for dependency in locked["ops"]["dependencies"]}
    assert declared == {provides[name] for name in imported} - {"botocore"}


def imports(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in names}


MEASURED = "everything"
"""The variant whose coverage every run measures. Measuring doubles the CPU of its tests, so a slow test measures the others."""


def run_its_tests(project: Path, variant: str, *options: str) -> str:
    """Run a project's own tests. Return their output."""
    # The default project as its developers run it. The others in one process: two of these tests run side by side, and each process of
    # theirs would import the application, start it and migrate a database once more, which takes 5 s of CPU.
    processes = () if variant == "defaults" else ("-n", "0")
    output = run_uv(project, "run", "--locked", "pytest", "-q", *options, *processes)
    assert number(r"(\d+) passed", output) >= (200 if variant == "defaults" else 50)
    assert git("status", "--porcelain", cwd=project) == ""
    return output


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_project_passes_its_own_tests(variant: str, projects: Projects) -> None:
    """A project's own configuration has a measured run fail below 95 % of lines and branches."""
    measured = variant == MEASURED
    output = run_its_tests(projects(variant), variant, *(["--cov"] if measured else []))
    assert ("Required test coverage of 95" in output) == measured


@pytest.mark.slow
@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant != MEASURED])
def test_a_projects_own_tests_cover_it(variant: str, projects: Projects) -> None:
    assert "Required test coverage of 95" in run_its_tests(projects(variant), variant, "--cov")


OPENAPI = """import json
from app.main import create_app
from app.settings import Settings
paths = create_app(Settings.load()).openapi()["paths"]
print(json.dumps([f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]))
"""


def test_the_documentation_site_has_the_operations_of_the_openapi_document(projects: Projects) -> None:
    served = json.loads(run_uv(projects("defaults"), "run", "--locked", "--quiet", "python", "-c", OPENAPI).splitlines()[-1])
    read = site_reference.operations_of(ROOT / "template/src/app")
    assert sorted(f"{operation.method} /api{operation.path}" for operation in read) == sorted(served)


@pytest.mark.slow
def test_a_project_keeps_its_contract_under_generated_requests(projects: Projects) -> None:
    output = run_uv(projects("defaults"), "run", "--locked", "--group", "fuzz", "pytest", "-q", "-m", "fuzz", "-n", "0")
    assert number(r"(\d+) cases of", output) >= 2_000


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "least"), [("defaults", 60), ("nothing", 5)])
def test_a_project_passes_every_combination_that_its_tests_sample(projects: Projects, variant: str, least: int) -> None:
    """Every project has some tests: without any, pytest fails, and so does `ci`."""
    assert number(r"(\d+) passed", run_uv(projects(variant), "run", "--locked", "pytest", "-q", "-m", "exhaustive")) >= least


@pytest.mark.slow
def test_a_project_outlives_the_failure_of_its_parts(projects: Projects) -> None:
    assert number(r"(\d+) passed", run_uv(projects("defaults"), "run", "--locked", "pytest", "-q", "-m", "faults", "-n", "0")) >= 6


# A field that a team might add: the file, the preceding line, and the new line.
FIELD = [
    (
        "src/app/products/models.py",
        "    currency: Mapped[str] = mapped_column(Text)\n",
        "    colour: Mapped[str | None] = mapped_column(Text)\n",
    ),
    (
        "src/app/products/schemas.py",
        '    currency: Currency | None = Field(default=None, description="CURRENCY of the service where absent")\n',
        "    colour: ProductName | None = None\n",
    ),
    ("src/app/products/schemas.py", "    currency: Currency = Field(default_factory=str)\n", "    colour: ProductName | None = None\n"),
    ("src/app/products/schemas.py", "    currency: str\n", "    colour: str | None\n"),
]
MIGRATION = """from alembic import op
import sqlalchemy as sa

revision = "products_0002"
down_revision = "products_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("products", sa.Column("colour", sa.Text()))


def downgrade() -> None:
    op.drop_column("products", "colour")
"""
FIELD_TEST = """from tests.conftest import RunQueue
from tests.identity import SignedIn


async def test_every_way_carries_the_field(ann: SignedIn, run_queue: RunQueue) -> None:
    created = await ann.post("/v1/products", {"name": "Tea", "price_minor": 1, "colour": "green"})
    path = f"/v1/products/{created.json()['id']}"
    seen = {"POST": created.json()["colour"]}
    for source in ("database", "cache"):
        seen[source] = (await ann.get(path)).json()["colour"]
    headers = {"Authorization": f"Bearer {ann.token}", "If-Match": created.headers["etag"]}
    seen["PATCH"] = (await ann.client.patch(path, json={"colour": "black"}, headers=headers)).json()["colour"]
    seen["changed"] = (await ann.get(path)).json()["colour"]
    lines = b"name,price_minor,colour\\nJam,1,red\\n"
    await ann.post("/v1/products/imports", files={"file": ("a.csv", lines, "text/csv")})
    await run_queue()
    seen["list"] = [item["colour"] for item in (await ann.get("/v1/products?sort=name")).json()["items"]]
    assert seen == {
        "POST": "green", "database": "green", "cache": "green", "PATCH": "black", "changed": "black", "list": ["red", "black"]
    }
"""


@pytest.mark.slow
def test_a_field_is_added_by_model_schema_and_migration_alone(projects: Projects, folder: Path) -> None:
    project = folder / "with-field"
    shutil.copytree(projects("defaults"), project, ignore=shutil.ignore_patterns(".venv", ".dev", "__pycache__", ".*_cache"), symlinks=True)
    for name, before, line in FIELD:
        text = (project / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        (project / name).write_text(text.replace(before, before + line), encoding="utf-8")
    (project / "src/app/products/migrations/products_0002_colour.py").write_text(MIGRATION, encoding="utf-8")
    (project / "tests/products/test_field.py").write_text(FIELD_TEST, encoding="utf-8")
    changes = ["tests/products/test_field.py", "tests/products/test_changes.py::test_each_field_of_a_new_product_can_be_read_and_changed"]
    assert "2 passed" in run_uv(project, "run", "--locked", "pytest", "-q", "-n", "0", *changes)


FOLDERS = ("src/app/products/", "tests/products/")
"""The folders of the sample, which the README calls safe to delete."""
OF_THE_SAMPLE = {"docs/products.md", "tests/faults/test_memory.py"}
"""Files outside the folders that a project without the sample does not have."""
WORDED = {ANSWERS_FILE, "README.md", "docs/ownership.json"}
"""Files that name the sample. No test of a project reads them."""


@pytest.mark.parametrize("variant", ["no sample"])
def test_the_sample_can_be_deleted(variant: str, projects: Projects, render: Renderer, folder: Path) -> None:
    """The rest is byte for byte the project that never had it, whose own tests run above, and two files."""
    with_sample = files_of(render(VARIANTS[variant] | {"sample": True}))
    rest = {path: text for path, text in with_sample.items() if not path.startswith(FOLDERS)}
    never = files_of(render(VARIANTS[variant]))
    assert rest.keys() ^ never.keys() == OF_THE_SAMPLE
    assert {path for path, text in never.items() if rest[path] != text} == WORDED

    project = folder / "without-sample"
    shutil.copytree(projects(variant), project, ignore=shutil.ignore_patterns(".git", ".venv", ".dev", "__pycache__", ".*_cache"))
    for path in OF_THE_SAMPLE | WORDED:
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_bytes(rest[path])
    with pytest.MonkeyPatch.context() as patch:
        # Nothing is installed again, because the packages are the same.
        patch.setenv("UV_PROJECT_ENVIRONMENT", str(projects(variant) / ".venv"))
        patch.setenv("UV_NO_SYNC", "1")
        run_uv(project, "run", "ruff", "check", ".")
        assert "no issues found" in run_uv(project, "run", "mypy")
        collected = run_uv(project, "run", "pytest", "--collect-only", "-q", "-n", "0", "-m", "faults", "tests/faults/test_memory.py")
        assert number(r"(\d+)(?:/\d+)? tests? collected", collected) > 0
