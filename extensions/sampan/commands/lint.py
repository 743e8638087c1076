"""`sampan lint`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sampan import console
from sampan.console import JsonOption
from sampan.errors import FINDINGS
from sampan.lint import lint
from sampan.questionnaire import Questionnaire


def command(
    answers: Annotated[list[Path], typer.Argument(help="Answers files: YAML, one answer per line.")],
    as_json: JsonOption = False,
) -> None:
    """Check answers files without rendering: one line per invalid answer, with the remedy.

    Finds misspelt questions, wrong types, values that a question does not accept, and answers that exclude each other.
    """
    with Questionnaire() as questionnaire:
        found = [line for path in answers for line in lint(path, questionnaire)]
    if as_json:
        console.print_json({"files": len(answers), "findings": [asdict(line) for line in found]})
    else:
        for line in found:
            typer.echo(line)
        if not found:
            console.messages().print(f"{len(answers)} of {len(answers)} answers files are valid." if len(answers) > 1 else "Valid.")
    if found:
        raise typer.Exit(FINDINGS)
