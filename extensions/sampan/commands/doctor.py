"""`sampan doctor`."""

from typing import Annotated

import typer

from sampan import console, doctoring, project
from sampan.commands.preview import AnswersFileOption, DirectoryArgument, TemplateOption
from sampan.console import JsonOption
from sampan.errors import FINDINGS, UserError, suggestion


def command(
    directory: DirectoryArgument = project.HERE,
    template: TemplateOption = None,
    answers_file: AnswersFileOption = project.ANSWERS_FILE,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help=f"Omit findings of this kind; can be repeated. Kinds: {', '.join(doctoring.KINDS)}.",
            autocompletion=lambda: doctoring.KINDS,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a project: answers, drift, edited and missing files, tools, conflicts and newer releases.

    Prints one line per finding, and exits with 1 if there are any. Nothing is written.
    """
    for kind in ignore or ():
        if kind not in doctoring.KINDS:
            message = f"Unknown kind of findings {kind!r}.{suggestion(kind, doctoring.KINDS)}"
            raise UserError(message)
    place = project.find(directory, answers_file)
    with console.working() as step:
        step("Examining the project")
        findings = [finding for finding in doctoring.examine(place, template) if finding.kind not in (ignore or ())]
    if as_json:
        console.print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            console.output().print(f"{finding.kind:<9}{finding.subject}: {finding.text}", markup=False, soft_wrap=True)
        if not findings:
            console.output().print("No findings.")
    if findings:
        raise typer.Exit(FINDINGS)
