"""`sampan render`."""

from pathlib import Path
from typing import Annotated

import typer

from sampan import comparing, console
from sampan.errors import UserError

AnswersArgument = Annotated[
    Path, typer.Argument(metavar="ANSWERS", help="YAML file with answers; missing answers take the profile's defaults.")
]
TemplateOption = Annotated[
    str | None, typer.Option(metavar="URL", help="URL or path of the template's repository, by default that of this installation.")
]
RefOption = Annotated[
    str | None, typer.Option(metavar="REF", help="Version of the template: a tag, branch or commit. Without it, the newest release.")
]


def command(
    answers: AnswersArgument,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the files; must be new or empty.")],
    template: TemplateOption = None,
    ref: RefOption = None,
) -> None:
    """Render an answers file without questions: the same files as `copier copy --defaults --data-file ANSWERS`.

    For scripts and tests. To start a project, use `sampan new`, which shows capacity and cost first, and asks.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        message = f"{directory} is not empty: name a folder that does not exist."
        raise UserError(message)
    with console.working() as step, comparing.template_at(template, ref) as found:
        step("Rendering")
        comparing.render(answers, directory, found)
    files = sum(path.is_file() for path in directory.rglob("*"))
    console.messages().print(f"{files} files in {directory}, from the template {found.public}", markup=False, soft_wrap=True)
