"""Exit codes of the command line, and errors that the user has to correct.

The codes are an interface, documented in docs/cli.md: scripts and workflows test them.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

import typer

OK: Final = 0
FINDINGS: Final = 1
"""The command succeeded and found something: differences, drift, an invalid answer."""
REFUSED: Final = 2
"""The command changed nothing: wrong usage, an invalid answer, a dirty work tree, a missing confirmation."""
INTERRUPTED: Final = 130
"""The user pressed Ctrl-C; nothing was changed."""


class UserError(typer.TyperException):
    """A user error: `sampan` prints the message in one line on standard error and exits with `exit_code`.

    Further lines of the message are details, such as the files in the way; the first line is a sentence with the remedy.
    """

    def __init__(self, message: str, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the known name nearest to `name`, or nothing where none is near."""
    nearest = get_close_matches(name, list(known), n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
