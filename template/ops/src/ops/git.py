"""git: the only module that starts it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.errors import OpsError


def commit_of(project: Path) -> str:
    """Return the current commit, or "unknown" outside of git."""
    try:
        return _git(project, "rev-parse", "HEAD").strip()
    except OpsError:
        return "unknown"


@contextmanager
def checked_out(project: Path, commit: str) -> Iterator[Path]:
    """Check out the project at a commit into a temporary folder inside the block. Raises OpsError."""
    folder = project / ".deploy" / "rollback"
    _remove(project, folder)
    try:
        _git(project, "worktree", "add", "--detach", str(folder), commit)
    except OpsError as error:
        raise OpsError(f"{error}\nIs {commit} in this clone? git fetch --unshallow brings all of main") from None
    try:
        # In a monorepo, the project is a folder below the root.
        yield folder / _git(project, "rev-parse", "--show-prefix").strip()
    finally:
        _remove(project, folder)


def _remove(project: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _git(project, "worktree", "prune")


def _git(project: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise OpsError("git is not on PATH")
    done = subprocess.run(  # noqa: S603  no shell, and the arguments are the deploy's own
        [git, *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OpsError(f"git {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout
