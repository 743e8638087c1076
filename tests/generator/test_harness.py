"""The tests' renderer produces the same files as the plain command line."""

import subprocess
import sys
from pathlib import Path

import yaml
from pytest_copie.plugin import Copie

from tests.harness import ANSWERS_FILE, Renderer, commit_all, copy_template, files_of


def without_answers(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name != ANSWERS_FILE}


def test_the_fast_renderer_gives_the_bytes_of_the_plain_command(render: Renderer, tmp_path: Path) -> None:
    source = copy_template(tmp_path / "template")
    commit_all(source, "Template")
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--vcs-ref", "HEAD", str(source), str(tmp_path / "plain")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stderr
    assert without_answers(files_of(tmp_path / "plain")) == without_answers(files_of(render()))


def test_rendering_twice_gives_the_same_bytes(render: Renderer, tmp_path: Path) -> None:
    assert files_of(render.fresh(tmp_path / "again")) == files_of(render())


def test_executable_files_stay_executable(render: Renderer, template: Path) -> None:
    executable = [p for p in (template / "template").rglob("*") if p.is_file() and p.stat().st_mode & 0o111]
    for path in executable:
        rendered = render() / path.relative_to(template / "template").as_posix().removesuffix(".jinja")
        if rendered.exists():
            assert rendered.stat().st_mode & 0o111, rendered


def test_pytest_copie_renders_the_template(template: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(yaml.safe_dump({"copier_dir": str(tmp_path), "replay_dir": str(tmp_path)}), encoding="utf-8")
    (tmp_path / "out").mkdir()
    result = Copie(template, tmp_path / "out", config).copy(extra_answers={"project_name": "Orders", "profile": "sandbox"})
    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_dir is not None
    assert result.answers["service"] == "orders"
    assert (result.project_dir / "pyproject.toml").is_file()
