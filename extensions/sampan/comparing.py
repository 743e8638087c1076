"""The rendered files of answers files: one project, or the differences between two."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sampan import answers, asking, git, rendering, source
from sampan.errors import UserError
from sampan.project import ANSWERS_FILE
from sampan.updating import Change

KINDS: Final = {"A": "added", "M": "changed", "T": "changed", "D": "removed"}
BEFORE, AFTER = "a", "b"


@dataclass(frozen=True)
class Comparison:
    """Two renderings: the answers that differ, defaults included, and the files."""

    answers: list[tuple[str, Any, Any]]
    changes: list[Change]
    patch: str


@contextmanager
def template_at(template: str | None, ref: str | None) -> Iterator[source.Template]:
    """Give the template that is named, or the one of this installation."""
    location, version = (template, ref) if template else source.installed()
    with source.opened(location, ref or version) as found:
        yield found


def render(path: Path, target: Path, template: source.Template) -> dict[str, Any]:
    """Render an answers file into `target`, as `copier copy --defaults --data-file` does; the stored answers.

    Raises `UserError`, with the file in front, for a name that is not a question and for a refused answer.
    """
    given = answers.questions_of(answers.read(path))
    try:
        answers.check_names(given, asking.known(template))
        rendering.render(template.location, target, given, ref=template.ref)
        template.publish(target / ANSWERS_FILE)
    except UserError as error:
        message = f"{path}: {error.message}"
        raise UserError(message) from None
    return answers.questions_of(answers.read(target / ANSWERS_FILE))


def compare(first: Path, second: Path, template: source.Template) -> Comparison:
    """Render both answers files and compare the results. A file that moved counts as moved, not as removed and added."""
    with TemporaryDirectory(prefix="sampan-") as scratch:
        folder = Path(scratch)
        before, after = render(first, folder / BEFORE, template), render(second, folder / AFTER, template)
        differing = [(name, before.get(name), after.get(name)) for name in {**before, **after} if before.get(name) != after.get(name)]
        fields = iter(_diff("--name-status", "-z", cwd=folder).split("\0"))
        changes = []
        for status in filter(None, fields):
            path = next(fields)
            if status.startswith("R"):
                changes.append(Change(_inside(next(fields)), "moved", _inside(path)))
            else:
                changes.append(Change(_inside(path), KINDS[status[0]]))
        return Comparison(differing, sorted(changes, key=lambda change: change.path), _diff("--no-prefix", cwd=folder))


def _diff(*options: str, cwd: Path) -> str:
    arguments = ("diff", "--no-index", "--no-ext-diff", "--no-color", "-M", *options, "--", BEFORE, AFTER)
    return git.run(*arguments, cwd=cwd, codes=(0, 1)).decode(errors="surrogateescape")


def _inside(path: str) -> str:
    """Return a path without the folder of the rendering."""
    return path.partition("/")[2]
