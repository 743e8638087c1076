"""Answers from files and from `-d NAME=VALUE`, whose questions must exist."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from sampan.errors import UserError, suggestion

DataOption = Annotated[
    list[str] | None,
    typer.Option("--data", "-d", metavar="NAME=VALUE", help="Set one answer; can be repeated."),
]
"""`data: DataOption = None`, read with `pairs`."""


def read(path: Path) -> dict[str, Any]:
    """Return the answers of a YAML file, Copier's own entries (`_commit`, `_src_path`) included.

    Raises `UserError` when the file is missing, is not YAML or holds no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = f"{path} does not exist."
        raise UserError(message) from None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8 text'}."
        raise UserError(message) from None
    try:
        loaded = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        message = f"{path}{line} is not YAML: {error.problem}."
        raise UserError(message) from None
    except yaml.YAMLError:
        message = f"{path} is not YAML."
        raise UserError(message) from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        message = f"{path} contains no answers: write one `name: value` per line."
        raise UserError(message)
    return {str(name): answer for name, answer in loaded.items()}


def pairs(data: Sequence[str] | None) -> dict[str, str]:
    """Return the answers of `-d NAME=VALUE` as text, as Copier expects them. If a question occurs twice, the last answer counts."""
    found = {}
    for item in data or ():
        name, separator, value = item.partition("=")
        if not separator or not name:
            message = f"-d {item}: write -d NAME=VALUE."
            raise UserError(message)
        found[name] = value
    return found


def questions_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers without internal entries, whose names start with an underscore."""
    return {name: answer for name, answer in answers.items() if not name.startswith("_")}


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UserError` for the first name that is not a question, with the question nearest to it."""
    questions = list(known)
    for name in names:
        if name not in questions:
            message = f"Unknown question {name!r}.{suggestion(name, questions) or ' `sampan questions` lists all.'}"
            raise UserError(message)
