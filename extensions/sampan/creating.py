"""A new project: rendered next to the target, compared with existing files, and moved into the target in one step."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sampan import rendering
from sampan.errors import UserError
from sampan.source import Template

ANSWERS_FILE: Final = ".copier-answers.yml"


@dataclass(frozen=True)
class Rendered:
    """A project that is rendered but not yet moved into its target."""

    folder: Path
    target: Path
    message: str
    """The template's message after copying."""

    def files(self) -> list[str]:
        """Return the paths of all files, sorted."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())

    def in_the_way(self) -> list[str]:
        """Return the files that exist in the target with other contents, which the move would replace."""
        return [name for name in self.files() if _differs(self.folder / name, self.target / name)]

    def move(self) -> None:
        """Move the project into the target. Existing files are kept, except those in `in_the_way`."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if not self.target.exists():
            self.folder.rename(self.target)
            return
        for name in self.files():
            place = self.target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).replace(place)


def _differs(new: Path, old: Path) -> bool:
    if not old.exists() and not old.is_symlink():
        return False
    return old.is_symlink() or not old.is_file() or old.read_bytes() != new.read_bytes()


def check_target(target: Path) -> None:
    """Raise `UserError` if no project can be created in `target` with any answers."""
    if target.exists() and not target.is_dir():
        message = f"{target} is a file: choose a folder that does not exist yet."
        raise UserError(message)
    if (target / ANSWERS_FILE).exists():
        message = f"{target} is already a project: use sampan update {shlex.quote(str(target))}."
        raise UserError(message)
    parent = _existing_parent(target)
    if not parent.is_dir():
        message = f"{parent} is a file: choose a path whose parent is a folder."
        raise UserError(message)


def is_occupied(target: Path) -> bool:
    """Return whether the target contains anything except git's own folder."""
    return target.is_dir() and any(entry.name != ".git" for entry in target.iterdir())


def _existing_parent(target: Path) -> Path:
    return next(parent for parent in target.absolute().parents if parent.exists())


@contextmanager
def rendered(template: Template, target: Path, answers: Mapping[str, Any], created: Callable[[], None]) -> Iterator[Rendered]:
    """Render a project beside `target`, so that moving it is one step; `created` is called for each file.

    The folder goes at the end of the block, also after Ctrl-C, unless it was moved.
    """
    try:
        place = TemporaryDirectory(prefix=".sampan-", dir=_existing_parent(target), ignore_cleanup_errors=True)
    except OSError as error:
        message = f"{_existing_parent(target)} cannot be written: {error.strerror}."
        raise UserError(message) from None
    with place as scratch:
        folder = Path(scratch) / "project"
        message = rendering.render_with_progress(template.location, folder, answers, ref=template.ref, created=created)
        template.publish(folder / ANSWERS_FILE)
        yield Rendered(folder, target, _in_place(message, folder, target))


def _in_place(message: str, folder: Path, target: Path) -> str:
    """Return the template's message with the project's path, quoted in commands and unquoted in sentences."""
    shown = str(target)
    return message.replace(f"cd {folder}", f"cd {shlex.quote(shown)}").replace(str(folder), shown)


def tree(files: list[str], depth: int) -> dict[str, Any]:
    """Return files as nested folders; a folder below `depth` is the number of files in it."""
    top: dict[str, Any] = {}
    for name in files:
        *folders, leaf = name.split("/")
        here = top
        for level, folder in enumerate(folders):
            if level == depth - 1:
                here[folder] = here.get(folder, 0) + 1
                break
            here = here.setdefault(folder, {})
        else:
            here[leaf] = None
    return top
