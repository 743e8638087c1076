"""Answers in a URL: only those that differ from the defaults, so that a link is short and stays true when a default changes.

Texts are read by the type of the question and never as YAML, in which ten lines can describe a list of a billion items.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

TRUE: Final = ("true", "yes")
FALSE: Final = ("false", "no")
NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
BASE: Final = "from"
"""Parameter of the form: the answers of the page that it stands on."""
WAS: Final = "was"
"""Parameter of a page: the answers before the last change."""

Texts = Mapping[str, str]
"""Answers as text, by question."""


class TooLongError(Exception):
    """An answer is longer than the server takes."""

    def __init__(self, question: str, most: int) -> None:
        super().__init__(f"{question}: write at most {most} characters.")


def parse(pairs: Iterable[tuple[str, str]], types: Mapping[str, type], longest: int) -> dict[str, str]:
    """Return the answers among the parameters of a URL, in the order of the questions.

    Of two answers to a question the last one counts; for a list, both. Parameters that are not questions are left out, so that a link of
    an older release still works. Raises `TooLongError`.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in types:
            continue
        found[name] = f"{found[name]},{value}" if types[name] is list and name in found else value
        if len(found[name]) > longest:
            raise TooLongError(name, longest)
    return {name: ",".join(_items(found[name])) if types[name] is list else found[name] for name in types if name in found}


def pairs(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string."""
    return parse_qsl(query, keep_blank_values=True)


def query(texts: Texts, **others: str) -> str:
    """Return the query string of answers and other parameters, an empty one without any."""
    return urlencode({**texts, **others}, safe="/:,@")


def value(text: str, kind: type) -> Any:
    """Return an answer as the questionnaire takes it. A text that does not fit the type is None, which the questionnaire refuses."""
    if kind is bool:
        return True if text.lower() in TRUE else False if text.lower() in FALSE else None
    if kind is int:
        return int(text) if NUMBER.fullmatch(text.strip()) else None
    return _items(text) if kind is list else text


def text(answer: Any) -> str:
    """Return an answer as a text for a URL, the reverse of `value`."""
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return ",".join(map(str, answer)) if isinstance(answer, list) else str(answer)


def _items(text: str) -> list[str]:
    return [item for item in re.split(r"[,\s]+", text) if item]


def data(answer: Any) -> str:
    """Return an answer as the text of `-d NAME=VALUE`."""
    return f"[{', '.join(map(str, answer))}]" if isinstance(answer, list) else text(answer)


def command(*start: str, answers: Mapping[str, Any]) -> str:
    """Return a command line with answers, quoted for a shell."""
    return shlex.join([*start, *(part for name, answer in answers.items() for part in ("-d", f"{name}={data(answer)}"))])
