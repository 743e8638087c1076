"""The one place that runs Copier: its public functions, with less of its repeated work (`fast`), and its refusals as one line."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO, TextIOBase
from pathlib import Path
from typing import Any, Final

import copier
from copier.errors import CopierWarning, UserMessageError

from sampan.errors import UserError
from sampan.fast import fast_copier

REFUSALS: Final = re.compile(r"(?:Validation error for question|Invalid choice for) '(\w+)': (.+)", re.DOTALL)
CREATED: Final = re.compile(r"(?:\x1b\[[0-9;]*m)*\s*create\b")
REQUIRED: Final = re.compile(r'Question "(\w+)" is required')


def refusal(error: Exception) -> str:
    """Return the line that names question and reason, from what Copier raises for a wrong answer."""
    words = str(error).strip()
    if found := REFUSALS.search(words):
        return f"{found[1]}: {' '.join(found[2].split())}"
    if found := REQUIRED.search(words):
        return f"{found[1]}: this question needs an answer. Give -d {found[1]}=VALUE."
    return words.splitlines()[0] if words else type(error).__name__


@contextmanager
def one_line() -> Iterator[None]:
    """Turn what Copier raises for a wrong answer or an unusable template into a `UserError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CopierWarning)
            yield
    except UserMessageError as error:
        raise UserError(error.message) from None
    except (ValueError, TypeError) as error:  # how Copier reports answers
        raise UserError(refusal(error)) from error


def render(
    location: str,
    target: Path,
    answers: Mapping[str, Any],
    *,
    ref: str | None = None,
    answers_file: str | None = None,
    overwrite: bool = False,
) -> None:
    """Render the template at `ref` into `target` with `answers`, and the defaults for the rest; ask nothing and print nothing.

    `target` may hold an answers file of earlier (`overwrite`), from which defaults come.
    """
    with one_line(), fast_copier():
        copier.run_copy(
            location,
            target,
            data=dict(answers),
            answers_file=answers_file,
            vcs_ref=ref,
            defaults=True,
            overwrite=overwrite,
            quiet=True,
        )


class _Counter(TextIOBase):
    """Standard error of Copier: calls `created` for each file or folder that it writes, and keeps the other lines."""

    def __init__(self, created: Callable[[], None]) -> None:
        self._created = created
        self._line = ""
        self.text = ""

    def write(self, text: str, /) -> int:
        """Take a piece of a line; Copier writes a line in many."""
        *lines, self._line = f"{self._line}{text}".split("\n")
        for line in lines:
            if CREATED.match(line):
                self._created()
            else:
                self.text += f"{line}\n"
        return len(text)


def render_with_progress(location: str, target: Path, answers: Mapping[str, Any], *, ref: str | None, created: Callable[[], None]) -> str:
    """Render as `render` does, call `created` for each file, and return the template's message after copying."""
    counter = _Counter(created)
    with one_line(), fast_copier(), redirect_stderr(counter), redirect_stdout(StringIO()):
        copier.run_copy(location, target, data=dict(answers), vcs_ref=ref, defaults=True)
    _, _, message = counter.text.partition("Copying from template version")
    return message.partition("\n")[2].strip("\n")


def ask(
    questions: Path,
    target: Path,
    data: Mapping[str, Any],
    *,
    defaults: bool,
    answers_file: str | None,
    asked: Sequence[str] = (),
    suggested: Mapping[str, Any] | None = None,
) -> None:
    """Ask the questions of a template (all of them, or with `defaults` those that match `asked`) and render it into `target`.

    `suggested` replaces defaults of the template.
    """
    with one_line(), fast_copier():
        copier.run_copy(
            str(questions),
            target,
            data=dict(data),
            answers_file=answers_file,
            user_defaults=dict(suggested or {}),
            defaults=defaults,
            overwrite=True,
            quiet=True,
            ask=tuple(asked),
        )
