"""Line feeds on every machine, also where git is set to check out carriage returns, as Git for Windows is."""

import shutil
from pathlib import Path

from tests.harness import ROOT, Renderer, commit_all, copy_template, files_of, git


def checked_out_on_windows(repository: Path, target: Path) -> dict[str, bytes]:
    """The files of a clone whose git converts line endings."""
    git("clone", "-q", "-c", "core.autocrlf=true", str(repository), str(target), cwd=target.parent)
    return files_of(target)


def test_a_project_has_line_feeds_in_every_checkout(render: Renderer, tmp_path: Path) -> None:
    """A carriage return breaks shell scripts, and becomes part of the values in project.env."""
    project = render.workspace(tmp_path / "project")
    commit_all(project, "Start")
    files = checked_out_on_windows(project, tmp_path / "windows")
    assert {name: content for name, content in files_of(project).items() if name in files} == files
    assert b"\r" not in files["project.env"]


def test_the_template_has_line_feeds_in_every_checkout(tmp_path: Path) -> None:
    """Copier renders from a clone that it makes with the user's configuration."""
    template = copy_template(tmp_path / "template")
    shutil.copy2(ROOT / ".gitattributes", template)
    commit_all(template, "Start")
    files = checked_out_on_windows(template, tmp_path / "windows")
    assert {name: content for name, content in files_of(template).items() if name in files} == files
    assert not [name for name, content in files.items() if b"\r" in content]
