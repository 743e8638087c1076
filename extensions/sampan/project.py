"""A rendered project on disk: its answers, its repository, and the ownership of its files."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sampan import answers, git, source
from sampan.errors import UserError

ANSWERS_FILE: Final = ".copier-answers.yml"
HERE: Final = Path()
OWNERSHIP: Final = "docs/ownership.json"


@dataclass(frozen=True)
class Ownership:
    """The files that an update leaves to the team, as patterns from the project's root."""

    seeded: tuple[str, ...] = ()
    yours: tuple[str, ...] = ()

    def is_seeded(self, path: str) -> bool:
        """Return whether a file is created once and then belongs to the team."""
        return _matches(path, self.seeded)

    def is_yours(self, path: str) -> bool:
        """Return whether a file belongs to the team after the first copy, such as those of the sample feature."""
        return _matches(path, self.yours)

    def is_owned(self, path: str) -> bool:
        """Return whether an update never changes an existing file."""
        return self.is_seeded(path) or self.is_yours(path)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path or one of its folders matches; `*` stands for part of one name."""
    here = PurePosixPath("/") / path
    return any(candidate.match(f"/{pattern}") for pattern in patterns for candidate in (here, *here.parents[:-1]))


def ownership(text: bytes | None) -> Ownership:
    """Return the ownership that a version's docs/ownership.json states; nothing if the version lacks the file."""
    if text is None:
        return Ownership()
    stated = json.loads(text)
    return Ownership(tuple(stated.get("seeded", ())), tuple(stated.get("yours", ())))


@dataclass(frozen=True)
class Project:
    """A project in `folder`, which is `prefix` inside the repository `top`; its answers are in `answers_file`."""

    folder: Path
    answers_file: str
    stored: dict[str, Any]
    top: Path
    prefix: str

    @property
    def answers(self) -> dict[str, Any]:
        """The stored answers by question."""
        return answers.questions_of(self.stored)

    @property
    def version(self) -> str:
        """The version of the template that the project was rendered from."""
        return str(self.stored["_commit"])

    def git(self, *arguments: str) -> str:
        """Run git in the project's folder. Return its standard output."""
        return git.text(*arguments, cwd=self.folder)

    def check_clean(self) -> None:
        """Raise `UserError` if there are uncommitted changes."""
        changed = self.git("status", "--porcelain").splitlines()
        if changed:
            shown = "\n".join(f"  {line}" for line in changed[:10])
            more = f"\n  and {len(changed) - 10} more" if len(changed) > 10 else ""  # noqa: PLR2004  # as many as are shown
            message = f"{self.folder} has uncommitted changes: commit or stash them first.\n{shown}{more}"
            raise UserError(message)


def find(folder: Path, answers_file: str = ANSWERS_FILE) -> Project:
    """Return the project in `folder`. Raises `UserError` if there is none, or if its template is unknown."""
    path = folder / answers_file
    if not folder.is_dir():
        message = f"{folder} is not a folder."
        raise UserError(message)
    if not path.is_file():
        message = f"{folder} is not a project: there is no {answers_file}."
        raise UserError(message)
    stored = answers.read(path)
    try:
        top = Path(git.text("rev-parse", "--show-toplevel", cwd=folder))
        prefix = git.text("rev-parse", "--show-prefix", cwd=folder)
        git.run("rev-parse", "--verify", "--quiet", "HEAD", cwd=folder)
    except git.GitError:
        message = f"{folder} has no commit in git: run git init, git add -A and git commit first."
        raise UserError(message) from None
    return Project(folder.resolve(), answers_file, stored, top, prefix)


def template_of(project: Project, given: str | None = None) -> str:
    """Return the location of a project's template. Raises `UserError` when the answers file does not say."""
    location = given or project.stored.get("_src_path")
    where = f"{project.answers_file} in {project.folder}"
    if not location:
        message = f"{where} does not name the template: add --template URL."
        raise UserError(message)
    if "_commit" not in project.stored:
        message = f"{where} does not name the version of the template (_commit): render the project from a git repository."
        raise UserError(message)
    if not given and source.is_local(location) and not Path(location).expanduser().is_dir():
        message = f"The template was at {location}, which is not on this machine: add --template URL, and write the URL to _src_path."
        raise UserError(message)
    return str(location)
