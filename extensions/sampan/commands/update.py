"""`sampan update`."""

from typing import Annotated

import typer
import yaml

from sampan import answers, console, project, report, updating
from sampan.answers import DataOption
from sampan.commands.preview import AllOption, AnswersFileOption, DirectoryArgument, TemplateOption, ToOption
from sampan.console import JsonOption
from sampan.errors import FINDINGS, UserError


def command(
    directory: DirectoryArgument = project.HERE,
    to: ToOption = None,
    data: DataOption = None,
    ask: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Ask this question again, or all that match a pattern such as 'db_*'.")
    ] = None,
    template: TemplateOption = None,
    answers_file: AnswersFileOption = project.ANSWERS_FILE,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Confirm the update, and that the AWS resources which it abandons are destroyed or moved.")
    ] = False,
    keep_conflicts: Annotated[
        bool, typer.Option("--keep-conflicts", help="Write the update despite conflicts, with conflict markers.")
    ] = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Update a project to a newer release, or change its answers with -d.

    Needs a clean work tree. Your edits are kept, also in files that the template moved. If there are conflicts, nothing is written and the
    exit code is 1, unless --keep-conflicts is given. The update is staged: git diff --cached shows it, git reset --hard discards it.
    """
    place = project.find(directory, answers_file)
    place.check_clean()
    given = answers.pairs(data)
    # Copier's own confirmation is accepted, too.
    confirmed = yes or yaml.safe_load(given.pop(updating.CONFIRMATION, "false")) is True
    interactive = console.is_interactive() and not as_json
    screen = console.messages()
    with (
        console.working() as step,
        updating.planned(place, to=to, data=given, template=template, asked=tuple(ask or ()), step=step) as plan,
    ):
        step("")
        if not as_json:
            report.print_plan(screen, plan, everything=everything)
        if plan.losses and not confirmed:
            _refuse_losses(plan)
        if plan.conflicts and not keep_conflicts:
            if as_json:
                console.print_json(report.document(plan))
            else:
                console.print_text(screen, "Nothing was written. With --keep-conflicts these files get both versions between markers.")
            raise typer.Exit(FINDINGS)
        if plan.changes and interactive and not yes and not typer.confirm("Write the update?", default=True, err=True):
            raise typer.Abort
        if plan.changes or plan.conflicts:
            plan.apply()
        if as_json:
            console.print_json(report.document(plan))
        else:
            _print_next(plan)
        if plan.conflicts:
            raise typer.Exit(FINDINGS)


def _refuse_losses(plan: updating.Plan) -> None:
    details = "\n".join(f"  {loss}" for loss in plan.losses)
    message = f"This update abandons the AWS resources of these answers. Destroy or move them first, then add --yes.\n{details}"
    raise UserError(message)


def _print_next(plan: updating.Plan) -> None:
    if not plan.changes and not plan.conflicts:
        return
    if plan.conflicts:
        typer.echo(
            "Next: edit the files with markers, git add them, run `uv lock`, and commit. `git reset --hard` discards the update.", err=True
        )
        return
    words = plan.answered.summary.get("changes") or "Next: read `git diff`, run `uv lock`, commit."
    console.print_text(console.messages(), words.replace("`git diff`", "`git diff --cached`"))
