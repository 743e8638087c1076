"""The questions of a template, asked by Copier itself, before anything of the project is rendered.

Copier renders a template that has the questions, their macros and a single file: `SUMMARY`, JSON with the answers and with what the macros
compute from them. So questions, validators and capacity have one implementation, and the version of the template decides which.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from sampan import answers, rendering
from sampan.errors import UserError
from sampan.source import Template

SUMMARY: Final = "sampan-summary.json"
PARTS: Final = (
    ("capacity", "summary", "environments_of(sizes)", ""),
    ("resources", "options", "with_resources()", ""),
    ("losses", "stored", "losses()", ""),
    ("changes", "changes", "message()", " | to_json"),
)
"""Parts of the summary: name, macro library, macro, filter. A version of the template without the macro has no such part.

The computed value `costs` is another."""


@dataclass(frozen=True)
class Answered:
    """The answers of a questionnaire, complete and valid, and what the template computes from them."""

    answers: dict[str, Any]
    summary: dict[str, Any]


def known(template: Template) -> dict[str, dict[str, Any]]:
    """Return the questions of a template's version, without the values that it only computes (`when: false`)."""
    with TemporaryDirectory(prefix="sampan-") as scratch:
        template.write_questionnaire(Path(scratch) / "template")
        return _known(Path(scratch) / "template")


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(text)
    return settings


def _settings(questions: Path) -> dict[str, Any]:
    """Return the settings and questions of copier.yml. Callers must not change them."""
    return _parsed((questions / "copier.yml").read_text(encoding="utf-8"))


def _known(questions: Path) -> dict[str, dict[str, Any]]:
    settings = _settings(questions)
    return {name: details for name, details in settings.items() if not name.startswith("_") and details.get("when") is not False}


def _check_settings(questions: Path, location: str) -> None:
    settings = _settings(questions)
    code = [name for name in ("_tasks", "_migrations", "_jinja_extensions") if settings.get(name)]
    if code:
        message = f"{location} runs code of its own ({', '.join(code)}): use Copier, which asks for --trust."
        raise UserError(message)


def ask(
    template: Template,
    data: Mapping[str, Any],
    *,
    defaults: bool,
    stored: Path | None = None,
    answers_file: str | None = None,
    asked: Sequence[str] = (),
    suggested: Mapping[str, Any] | None = None,
) -> Answered:
    """Ask the questions of `template`, or take the defaults, and return all answers.

    `stored` is the answers file of a project, whose answers are the defaults; `suggested` are defaults in place of the template's.
    Raises `UserError` with question and reason when an answer is refused, and for a name in `data` that is not a question.
    """
    with TemporaryDirectory(prefix="sampan-") as scratch:
        questions, target = Path(scratch) / "template", Path(scratch) / "project"
        template.write_questionnaire(questions)
        _check_settings(questions, template.public)
        answers.check_names(data, _known(questions))
        _write_summary(questions)
        target.mkdir()
        if stored:
            shutil.copy2(stored, target / (answers_file or stored.name))
        rendering.ask(questions, target, data, defaults=defaults, answers_file=answers_file, asked=asked, suggested=suggested)
        summary = json.loads((target / SUMMARY).read_text(encoding="utf-8"))
    found = {name: answer for name, answer in summary.pop("answers").items() if not name.startswith("_")}
    return Answered(found, summary)


def _write_summary(questions: Path) -> None:
    """Add the single file that is rendered. Values are written with the delimiters of this template's copier.yml."""
    parts = ['"answers": {= _copier_answers | to_json =}']
    if "costs" in _settings(questions):
        parts.append('"costs": {= costs | to_json =}')
    for name, library, call, filters in PARTS:
        macros = questions / "extensions" / f"{library}.jinja"
        if macros.is_file() and f"{{% macro {call.partition('(')[0]}(" in macros.read_text(encoding="utf-8"):
            parts.append(
                f'{{% import "extensions/{library}.jinja" as {library} with context %}}"{name}": {{= {library}.{call}{filters} =}}'
            )
    folder = questions / "template"
    folder.mkdir()
    (folder / f"{SUMMARY}.jinja").write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")
