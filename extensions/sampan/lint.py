"""The faults of an answers file, one line each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from sampan import answers
from sampan.errors import UserError, suggestion
from sampan.questionnaire import Finding, Questionnaire, one_line

COPIERS_OWN: Final = frozenset({"_commit", "_src_path", "_kept"})
"""Entries of an answers file other than answers: Copier's two, and the template's for questions that are not asked."""


@dataclass(frozen=True)
class Line:
    """A finding in a file. Without a key, the file itself cannot be read."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return ":".join(filter(None, (self.file, self.key))) + f": {self.message}"


def lint(path: Path, questionnaire: Questionnaire) -> list[Line]:
    """Check one answers file: its YAML, its keys in the order of the file, then its answers in the order of the questions."""
    try:
        given = answers.read(path)
    except UserError as error:
        return [Line(str(path), "", error.format_message().removeprefix(str(path)).lstrip(", "))]
    known = {name: answer for name, answer in given.items() if name in questionnaire.names}
    findings = [*_keys(_names(path), questionnaire), *questionnaire.check(known).findings]
    return [Line(str(path), finding.question, finding.message) for finding in findings]


def _names(path: Path) -> list[str]:
    """Return the keys in the order of the file, repeated ones too."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    return [str(key.value) for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []


def _keys(names: list[str], questionnaire: Questionnaire) -> Iterator[Finding]:
    for name in dict.fromkeys(names):
        if name in questionnaire.computed:
            yield Finding(name, "remove it: the template computes this value")
        elif name not in questionnaire.names and name not in COPIERS_OWN:
            nearest = suggestion(name, questionnaire.names)
            yield Finding(one_line(name, 30), f"unknown question.{nearest or ' `sampan questions` lists all.'}")
        elif names.count(name) > 1:
            yield Finding(name, f"remove all but one of its {names.count(name)} lines: only the last one counts")
