"""Text that people type."""

import re

from app.kit.i18n import N_

_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bq]\?", re.IGNORECASE)

# Excludes NUL, which PostgreSQL cannot store, and characters that end a line or control a terminal: in the subject of a
# mail, a line end is an error.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

# Text of several lines: no NUL, and no control character but tab and line ends.
LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]*$"


def without_encoded_words(text: str) -> str:
    """Return the text. Raises ValueError if mail programs would decode a part of it (RFC 2047)."""
    if _ENCODED_WORD.search(text):
        raise ValueError(N_("encoded words are not allowed"))
    return text
