"""Many projects: their state, and an update of each on a branch of a clone.

Nothing is pushed, and no project's failure stops the others.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sampan import doctoring, git, project, source, updating
from sampan.errors import UserError

NOT_OF_A_PROJECT: Final = frozenset({"tool"})
"""Kinds of findings that concern the local machine, not the project."""


@dataclass(frozen=True)
class Repository:
    """One line of the list: a path or URL, and the project's folder inside the repository."""

    location: str
    folder: str

    @property
    def name(self) -> str:
        """The short name: the last two parts of a URL or the last part of a path, and the folder."""
        location = source.without_credentials(self.location).removesuffix("/").removesuffix(".git")
        parts = [part for part in re.split(r"[/:]", location) if part]
        name = "/".join(parts[-1:] if source.is_local(self.location) else parts[-2:])
        return f"{name}#{self.folder}" if self.folder else name


def read(path: Path) -> list[Repository]:
    """Return the repositories of a list, one per line; `#` after a location starts the folder of a project inside the repository.

    Relative paths count from the folder of the list. Raises `UserError` for a list that cannot be read, is empty or repeats a name.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        message = f"{path} cannot be read: write a text file with one path or URL per line."
        raise UserError(message) from None
    found = []
    for line in (line.strip() for line in lines):
        if line and not line.startswith("#"):
            location, _, folder = line.partition("#")
            location = location.strip()
            whole = str(path.parent / Path(location).expanduser()) if source.is_local(location) else location
            found.append(Repository(whole, folder.strip().strip("/")))
    names = [repository.name for repository in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        message = f"{path} names {repeated[0]} more than once."
        raise UserError(message)
    if not found:
        message = f"{path} lists no repositories: write one path or URL per line."
        raise UserError(message)
    return found


@dataclass(frozen=True)
class Status:
    """The state of one project. With an error, the rest is unknown."""

    repository: str
    version: str = ""
    behind: str = ""
    """`2 releases`, or `3 commits` before the first release; empty for the newest."""
    newest: str = ""
    findings: list[doctoring.Finding] = field(default_factory=list)
    error: str = ""

    def count(self, *kinds: str) -> int:
        """Return the number of findings of some kinds."""
        return sum(finding.kind in kinds for finding in self.findings)


@dataclass(frozen=True)
class Updated:
    """The outcome for one project: `updated`, `current`, `conflict`, `refused` or `failed`."""

    repository: str
    result: str
    old: str = ""
    new: str = ""
    detail: str = ""
    clone: str = ""
    branch: str = ""


def status(repositories: list[Repository], *, template: str | None, step: Callable[[str], None]) -> list[Status]:
    """Check each project as `sampan doctor` does."""
    found = []
    for number, repository in enumerate(repositories, 1):
        step(f"{repository.name} ({number} of {len(repositories)})")
        try:
            with _checkout(repository) as place:
                found.append(_status(repository.name, place, template))
        except Exception as error:  # noqa: BLE001  # a fleet of forty goes on without one
            found.append(Status(repository.name, error=_reason(error)))
    return found


def _status(name: str, place: project.Project, template: str | None) -> Status:
    findings = [finding for finding in doctoring.examine(place, template) if finding.kind not in NOT_OF_A_PROJECT]
    unread = next((finding.text for finding in findings if finding.kind == "template" and "a path of this machine" not in finding.text), "")
    if unread:
        return Status(name, str(place.stored.get("_commit", "")), error=unread)
    version = next((finding for finding in findings if finding.kind == "version"), None)
    behind, _, newest = version.text.partition(" behind ") if version else ("", "", place.version)
    return Status(name, place.version, behind, newest, [finding for finding in findings if finding.kind != "version"])


def update(
    repositories: list[Repository],
    output: Path,
    *,
    to: str | None,
    data: Mapping[str, Any],
    template: str | None,
    yes: bool,
    step: Callable[[str], None],
) -> list[Updated]:
    """Update each project on a branch of a clone in `output`, and commit. A project without changes leaves no clone."""
    done = []
    for number, repository in enumerate(repositories, 1):
        step(f"{repository.name} ({number} of {len(repositories)})")
        try:
            done.append(_update(repository, output / _folder_name(repository), to=to, data=data, template=template, yes=yes))
        except Exception as error:  # noqa: BLE001  # a fleet of forty goes on without one
            done.append(Updated(repository.name, "failed", detail=_reason(error)))
    return done


def _update(repository: Repository, clone: Path, *, to: str | None, data: Mapping[str, Any], template: str | None, yes: bool) -> Updated:
    if clone.exists():
        message = f"{clone} exists: push or remove it first."
        raise UserError(message)
    with TemporaryDirectory(prefix="sampan-") as scratch:
        work = Path(scratch) / "clone"
        _clone(repository, work)
        place = project.find(work / repository.folder)
        with updating.planned(place, to=to, data=data, template=template) as plan:
            outcome = Updated(repository.name, "current", plan.old.version, plan.new.version)
            if plan.losses and not yes:
                return _as(outcome, "refused", f"abandons AWS resources of {', '.join(plan.losses)}: needs --yes")
            if plan.conflicts:
                return _as(outcome, "conflict", ", ".join(conflict.path for conflict in plan.conflicts))
            if not plan.changes:
                return outcome
            branch = f"template-{plan.new.version}"
            git.run("switch", "--quiet", "--create", branch, cwd=work)
            plan.apply()
        git.run("commit", "--quiet", "--message", _subject(outcome), cwd=work)
        clone.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work, clone)
    files = f"{len(plan.changes)} file{'s' if len(plan.changes) > 1 else ''}"
    return Updated(repository.name, "updated", outcome.old, outcome.new, files, str(clone), branch)


def _as(outcome: Updated, result: str, detail: str) -> Updated:
    return Updated(outcome.repository, result, outcome.old, outcome.new, detail)


def _subject(outcome: Updated) -> str:
    return f"Update from the template {outcome.old} to {outcome.new}" if outcome.old != outcome.new else "Change answers to the template"


def _folder_name(repository: Repository) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", repository.name)


def _remote(repository: Repository) -> str:
    """Return the URL to push to: of a repository on this machine, that repository."""
    return str(Path(repository.location).resolve()) if source.is_local(repository.location) else repository.location


def _clone(repository: Repository, target: Path) -> None:
    git.run("clone", "--quiet", "--no-hardlinks", "--", _remote(repository), str(target), cwd=target.parent)


@contextmanager
def _checkout(repository: Repository) -> Iterator[project.Project]:
    """Give the project: where it is for a path, and in a clone for a URL."""
    if source.is_local(repository.location):
        yield project.find(Path(repository.location) / repository.folder)
        return
    with TemporaryDirectory(prefix="sampan-") as scratch:
        _clone(repository, Path(scratch) / "clone")
        yield project.find(Path(scratch) / "clone" / repository.folder)


def _reason(error: Exception) -> str:
    """Return a failure in one line, whatever it is."""
    if isinstance(error, UserError):
        return error.message.splitlines()[0]
    return " ".join(str(error).split()) or type(error).__name__
