"""Git, called by name: one way to run it and to report its failures."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sampan.errors import UserError

IDENTITY: Final = {
    "GIT_AUTHOR_NAME": "sampan",
    "GIT_AUTHOR_EMAIL": "sampan@localhost",
    "GIT_COMMITTER_NAME": "sampan",
    "GIT_COMMITTER_EMAIL": "sampan@localhost",
}
"""Author of the temporary commits that a merge needs; none of them reaches a branch."""
INHERITED: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Variables of a git hook that would point every call at the hook's repository."""
MISSING: Final = "git is not installed, or not on PATH."


class GitError(Exception):
    """A git command that failed; the last line of its standard error."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for git: no prompt, English messages, nothing from a hook that runs us."""
    inherited = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return {**inherited, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **(extra or {})}


def run(
    *arguments: str, cwd: Path, extra: Mapping[str, str] | None = None, stdin: bytes | None = None, codes: tuple[int, ...] = (0,)
) -> bytes:
    """Run git in `cwd`. Return its standard output. Raises `GitError` for an exit code that is not in `codes`."""
    try:
        done = subprocess.run(["git", *arguments], cwd=cwd, env=environment(extra), input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError(MISSING) from None
    if done.returncode not in codes:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"git {arguments[0]} ended with {done.returncode}"]
        fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))]
        raise GitError((fatal or lines)[0].partition(": ")[2] if fatal else lines[-1])
    return done.stdout


def text(*arguments: str, cwd: Path, extra: Mapping[str, str] | None = None) -> str:
    """Run git in `cwd`. Return its standard output without the final newline."""
    return run(*arguments, cwd=cwd, extra=extra).decode(errors="surrogateescape").strip("\n")


def succeeds(*arguments: str, cwd: Path) -> bool:
    """Whether a git command ends with 0."""
    try:
        run(*arguments, cwd=cwd)
    except GitError:
        return False
    return True
