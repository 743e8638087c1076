"""`copier update` between two releases, by Copier's command line, on projects in git.

The command line runs with `sampan.fast`, except in the first test.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ANSWERS_FILE, GIT_ENVIRONMENT, commit_all, copy_template, files_of, git, required

SEEDED = re.compile(
    r"README\.md|docs/architecture\.md|infra/environments/.*\.(local\.tfvars|s3\.tfbackend)|deploy/overlays/[^/]+/(settings\.env|patches\.yaml)"
    r"|(src/app|tests)/products/.*|docs/products\.md"
)
"""Files that belong to the project after the first copy."""


PLAIN = ("-m", "copier")
FAST = (
    "-c",
    """
from copier._cli import CopierApp
from sampan.fast import fast_copier

with fast_copier() as faster:
    assert faster
    CopierApp.run()
""",
)


def copier(*arguments: str, cwd: Path, program: Sequence[str] = FAST) -> subprocess.CompletedProcess[str]:
    """The command line: no trust, no questions."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **GIT_ENVIRONMENT},
    )


def release(source: Path, tag: str) -> None:
    commit_all(source, tag)
    git("tag", tag, cwd=source)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with two tags: v2.0.0 changes, adds and removes a managed file, and changes seeded files."""
    source = copy_template(tmp_path_factory.mktemp("releases") / "template")
    extra = source / "template/src/app/kit/leaving.py"
    extra.write_text('"""Leaves with the next release."""\n', encoding="utf-8")
    release(source, "v1.0.0")
    extra.unlink()
    (source / "template/src/app/kit/arriving.py").write_text('"""Arrives with this release."""\n', encoding="utf-8")
    changed = (
        "Dockerfile",
        "deploy/base/kustomization.yaml.jinja",
        "pyproject.toml.jinja",
        "README.md.jinja",
        "src/app/products/service.py",
    )
    for name in (f"template/{path}" for path in changed):
        path = source / name
        path.write_text(path.read_text(encoding="utf-8") + "# v2\n", encoding="utf-8")
    release(source, "v2.0.0")
    return source


def start(releases: Path, target: Path, answers: dict[str, Any] | None = None, tag: str = "v1.0.0", program: Sequence[str] = FAST) -> Path:
    """A project rendered at `tag` and committed."""
    run = copier(
        "copy", "--defaults", "--vcs-ref", tag, *data(answers or {}), str(releases), str(target), cwd=target.parent, program=program
    )
    assert run.returncode == 0, run.stderr
    commit_all(target, "Start")
    return target


def data(answers: dict[str, Any]) -> list[str]:
    """Answers as `-d name=value`; lists and numbers as YAML."""
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in answers.items()}
    return [part for name, value in written.items() for part in ("-d", f"{name}={value}")]


MARKER = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
"""A conflict that git left in a file."""


def update(project: Path, answers: dict[str, Any] | None = None, tag: str = "v2.0.0", program: Sequence[str] = FAST) -> None:
    """Update to `tag` and check what every update keeps: git's own data, and no conflict."""
    before = git("for-each-ref", cwd=project), git("log", "--format=%H", cwd=project), (project / ".git/config").read_text(encoding="utf-8")
    run = copier("update", "--defaults", "--vcs-ref", tag, *data(answers or {}), cwd=project, program=program)
    assert run.returncode == 0, run.stderr
    assert before == (
        git("for-each-ref", cwd=project),
        git("log", "--format=%H", cwd=project),
        (project / ".git/config").read_text(encoding="utf-8"),
    )
    assert not list(project.rglob("*.rej"))
    assert not [name for name, content in files_of(project).items() if MARKER.search(content)]


def managed(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not SEEDED.fullmatch(name) and name != ANSWERS_FILE}


def seeded(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if SEEDED.fullmatch(name)}


def test_an_untouched_project_gets_the_new_release(releases: Path, tmp_path: Path) -> None:
    project = start(releases, tmp_path / "project", program=PLAIN)
    old = files_of(project)
    update(project, program=PLAIN)
    new, fresh = files_of(project), files_of(start(releases, tmp_path / "fresh", tag="v2.0.0"))
    assert managed(new) == managed(fresh)
    assert seeded(new) == seeded(old)
    assert seeded(old) != seeded(fresh)
    assert "src/app/kit/arriving.py" in new
    assert "src/app/kit/leaving.py" not in new


def test_what_new_answers_need_arrives(releases: Path, tmp_path: Path) -> None:
    # The default of the budget depends on the other answers; a stored one is kept.
    answers = {"sample": False, "environments": ["dev"], "monthly_budget_usd": 2000}
    wanted = {
        "monthly_budget_usd": 2000,
        "environments": ["dev", "staging", "production"],
        "tracing": True,
        "waf": True,
        "dr_region": "ap-southeast-2",
        "languages": ["en", "th"],
        "delivery": "canary",
        "sample": True,
    }
    project = start(releases, tmp_path / "project", answers)
    old = files_of(project)
    update(project, wanted)
    new, fresh = files_of(project), files_of(start(releases, tmp_path / "fresh", wanted, tag="v2.0.0"))
    assert set(new) == set(fresh)
    assert managed(new) == managed(fresh)
    assert {name: new[name] for name in seeded(old)} == seeded(old)


def test_a_second_update_changes_nothing(releases: Path, tmp_path: Path) -> None:
    project = start(releases, tmp_path / "project")
    update(project)
    commit_all(project, "Update")
    update(project)
    assert git("status", "--porcelain", cwd=project) == ""


def test_a_projects_own_work_stays(releases: Path, tmp_path: Path) -> None:
    project = start(releases, tmp_path / "project")
    own = {
        "README.md": "\nOur own words.\n",
        "infra/environments/production.service.local.tfvars": "\n# ours\n",
        "src/app/products/service.py": "\n# ours\n",
        "deploy/overlays/production/settings.env": "OURS=1\n",
        ".gitignore": "\n/ours/\n",
    }
    for name, addition in own.items():
        (project / name).write_text((project / name).read_text(encoding="utf-8") + addition, encoding="utf-8")
    (project / "src/app/main.py").write_text("# ours\n" + (project / "src/app/main.py").read_text(encoding="utf-8"), encoding="utf-8")
    (project / "src/app/orders").mkdir()
    (project / "src/app/orders/__init__.py").write_text('"""Ours."""\n', encoding="utf-8")
    commit_all(project, "Ours")
    update(project)
    files = files_of(project)
    assert files["src/app/main.py"].startswith(b"# ours\n")
    assert "src/app/orders/__init__.py" in files
    for name, addition in own.items():
        assert files[name].endswith(addition.encode()), name
    assert files["Dockerfile"].endswith(b"# v2\n")


def test_a_deleted_sample_stays_deleted(releases: Path, tmp_path: Path) -> None:
    project = start(releases, tmp_path / "project")
    for folder in ("src/app/products", "tests/products"):
        git("rm", "-rq", folder, cwd=project)
    commit_all(project, "No sample")
    update(project)
    assert not [name for name in files_of(project) if "/products/" in name]


SWITCHES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tracing": ({"tracing": False}, {"tracing": True}),
    "dr_region": ({"dr_region": ""}, {"dr_region": "ap-southeast-2"}),
    "delivery": ({"delivery": "rolling"}, {"delivery": "canary"}),
    "environments": ({"environments": ["production"]}, {"environments": ["staging", "production"]}),
    "worker_scaling": ({"worker_scaling": "cpu"}, {"worker_scaling": "queue"}),
    "mail": ({"mail": "smtp", "domain": "api.example.com"}, {"mail": "ses", "domain": "api.example.com"}),
    "accounts": ({"accounts": "local"}, {"accounts": "remote"}),
}
SLOW = {"accounts"}
"""Switches whose files and database `tests/service` looks at too."""


@pytest.mark.parametrize("switch", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in SWITCHES])
def test_an_option_goes_on_and_off_around_edits_and_an_added_package(switch: str, releases: Path, tmp_path: Path) -> None:
    # The budget's default follows the other answers, and a stored one is kept.
    off, on = ({**answers, "monthly_budget_usd": 2000} for answers in SWITCHES[switch])
    project = start(releases, tmp_path / "project", off)
    settings = project / "src/app/settings.py"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n# ours\n", encoding="utf-8")
    subprocess.run([required("uv"), "add", "--frozen", "--quiet", "orjson>=3.11"], cwd=project, check=True)
    commit_all(project, "Ours")
    before = files_of(project)
    assert b'"orjson>=3.11"' in before["pyproject.toml"]
    update(project, on, tag="v1.0.0")
    commit_all(project, "On")
    between = files_of(project)
    fresh = files_of(start(releases, tmp_path / "fresh", on))
    assert set(between) == set(fresh)
    edited = {"src/app/settings.py", "pyproject.toml"}
    assert {k: v for k, v in managed(between).items() if k not in edited} == {k: v for k, v in managed(fresh).items() if k not in edited}
    # The team's own patches also apply to the files that the option adds.
    for kustomization in project.glob("deploy/overlays/*/kustomization.yaml"):
        subprocess.run([required("kubectl"), "kustomize", kustomization.parent], check=True, capture_output=True)
    assert set(fresh["pyproject.toml"].splitlines()) < set(between["pyproject.toml"].splitlines())
    update(project, off | {"destroyed": True}, tag="v1.0.0")
    assert managed(files_of(project)) == managed(before)
    assert files_of(project)["src/app/settings.py"].endswith(b"\n# ours\n")
