"""Print the questions whose stored answer an update changed or dropped, one per line.

Usage: changed_answers.py BEFORE AFTER     two answers files of Copier; needs PyYAML, which Copier brings
"""

import sys
from pathlib import Path
from typing import Any

import yaml


def answers(path: str) -> dict[str, Any]:
    """Return the answers of a file; keys with an underscore are Copier's own."""
    loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    return {question: answer for question, answer in loaded.items() if not question.startswith("_")}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the questions of `before` that `after` answers differently, except those that are gone."""
    return [question for question, answer in before.items() if question in after and after[question] != answer]


if __name__ == "__main__":
    for question in changed(answers(sys.argv[1]), answers(sys.argv[2])):
        sys.stdout.write(f"{question}\n")
