"""`sampan new`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.tree import Tree

from sampan import answers, asking, console, creating, root, source
from sampan.answers import DataOption
from sampan.console import JsonOption
from sampan.errors import UserError

DEPTH = 2
"""Levels of folders that --dry-run shows; `--json` has every file."""


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new project.", show_default=False)],
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Profile, which sets the defaults; short for -d profile=NAME.", autocompletion=root.profiles),
    ] = None,
    answers_file: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="YAML file with answers, such as the .copier-answers.yml of another project."),
    ] = None,
    data: DataOption = None,
    ask: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Also ask this question, or all that match a pattern such as 'db_*'.")
    ] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing, and use the profile's defaults.")] = False,
    template: Annotated[str | None, typer.Option(metavar="URL", help="URL or path of the template's repository.")] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="Version of the template: a tag, branch or commit. Without it, the newest release.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files, and write nothing.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of the same name in an existing folder.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a project: answer the questions, see its capacity and cost, then write it.

    Answers can be given in advance with -d, --answers or --profile. An invalid answer is refused before anything is written.
    """
    creating.check_target(directory)
    given = _given(profile, answers_file, data)
    location, version = _template(template, ref, dry_run=dry_run)
    interactive = not defaults and console.is_interactive() and not as_json
    if not defaults and not interactive:
        message = "Questions need a terminal: add --defaults; -d NAME=VALUE and --answers FILE give answers of your own."
        raise UserError(message)
    _confirm_place(directory, interactive=interactive, yes=yes or dry_run, overwrite=overwrite)
    screen = console.messages()
    with source.opened(location, version) as opened:
        suggested = _suggested(opened, directory, given)
        answered = asking.ask(opened, given, defaults=defaults, asked=ask or (), suggested=suggested)
        if not as_json:
            _print_summary(screen, directory, opened, answered)
        if interactive and not yes and not dry_run and not typer.confirm("Write the project?", default=True, err=True):
            raise typer.Abort
        with _progress(screen) as progress:
            task = progress.add_task("Rendering", total=opened.size())
            with creating.rendered(opened, directory, answered.answers, lambda: progress.advance(task)) as project:
                progress.stop()
                replaced = project.in_the_way()
                if dry_run:
                    _print_files(project, replaced, answered, opened, as_json=as_json)
                    return
                _confirm_replacing(directory, replaced, interactive=interactive, overwrite=overwrite)
                files = project.files()
                project.move()
    if as_json:
        console.print_json(_document(directory, opened, answered, files, replaced))
        return
    screen.print(f"{len(files)} files written.", style="bold green")
    console.print_text(screen, project.message)


def _given(profile: str | None, file: Path | None, data: list[str] | None) -> dict[str, Any]:
    """Return the answers that the command line gives: of the file, then --profile, then -d."""
    given = answers.questions_of(answers.read(file)) if file else {}
    return {**given, **({"profile": profile} if profile else {}), **answers.pairs(data)}


def _suggested(template: source.Template, directory: Path, given: dict[str, Any]) -> dict[str, str]:
    """Return the folder's name as the default for the project's name, if the questions take it: `sampan new order-desk` is Order Desk."""
    name = directory.resolve().name.replace("-", " ").replace("_", " ").title()
    try:
        asking.ask(template, {"project_name": name, **given}, defaults=True)
    except UserError:  # a reserved name, or a missing answer
        return {}
    return {"project_name": name}


def _template(location: str | None, ref: str | None, *, dry_run: bool) -> tuple[str, str | None]:
    if location:
        return location, ref
    location, version = source.installed()
    if source.is_snapshot(location) and not dry_run:
        message = "This sampan holds a snapshot of its template, which a project cannot be updated from: add --template URL."
        raise UserError(message)
    return location, ref or version


def _print_summary(screen: Console, directory: Path, template: source.Template, answered: asking.Answered) -> None:
    """Show capacity and cost of each environment."""
    screen.print()
    screen.print(f"[bold]{directory}[/bold], from the template {template.version}, profile {answered.answers['profile']}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "API", "Worker", "Nodes", "Database", "Cache"):
        table.add_column(heading)
    for name, size in answered.summary.get("capacity", {}).items():
        table.add_row(
            name,
            _range(size["api"]),
            _range(size["worker"]),
            f"{_range(size['nodes'])} {size['node_type']}" if size["nodes"] else "the platform's",
            f"{size['database'].removeprefix('db.')}{', 2 AZ' if size['multi_az'] else ''}",
            f"{size['cache_nodes']} {size['cache'].removeprefix('cache.')}",
        )
    if table.rows:
        screen.print(table)
    if costs := answered.summary.get("costs"):
        screen.print()
        screen.print(_costs(costs))


def _costs(costs: dict[str, Any]) -> Table:
    """Return the monthly estimate at low and high load as a table: one row per environment, the account, and the sum."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Cost a month")
    table.add_column("low load", justify="right")
    table.add_column("high load", justify="right")
    rows = {**costs["environments"], "account": costs["account"], "together": costs}
    for name, part in rows.items():
        at_least = "at least " if part.get("missing") else ""
        table.add_row(name, *(f"{at_least}${part[level]:,.0f}" for level in ("low", "high")), style="bold" if name == "together" else "")
    return table


def _range(bounds: list[int]) -> str:
    least, most = bounds
    return str(least) if least == most else f"{least} to {most}"


def _confirm_place(directory: Path, *, interactive: bool, yes: bool, overwrite: bool) -> None:
    """Ask before writing into a folder that is not empty."""
    if not creating.is_occupied(directory) or yes or overwrite:
        return
    if not interactive:
        message = f"{directory} is not empty: add --yes to write beside what is there. Nothing is replaced without --overwrite."
        raise UserError(message)
    if not typer.confirm(f"{directory} is not empty. Write the project beside what is there?", default=False, err=True):
        raise typer.Abort


def _confirm_replacing(directory: Path, replaced: list[str], *, interactive: bool, overwrite: bool) -> None:
    """List the files that would be replaced, and continue only with the user's consent."""
    if not replaced or overwrite:
        return
    details = "\n".join(f"  {name}" for name in replaced)
    if not interactive:
        message = f"{directory} holds files of the same names: move them, or add --overwrite to replace them.\n{details}"
        raise UserError(message)
    typer.echo(f"These files would be replaced:\n{details}", err=True)
    if not typer.confirm("Replace them?", default=False, err=True):
        raise typer.Abort


def _progress(screen: Console) -> Progress:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)


def _document(
    directory: Path, template: source.Template, answered: asking.Answered, files: list[str], replaced: list[str]
) -> dict[str, Any]:
    return {
        "directory": str(directory),
        "template": template.public,
        "version": template.version,
        "answers": {name: answer for name, answer in answered.answers.items() if name != "destroyed"},
        "capacity": answered.summary.get("capacity", {}),
        "costs": answered.summary.get("costs", {}),
        "files": files,
        "replaced": replaced,
    }


def _print_files(
    project: creating.Rendered, replaced: list[str], answered: asking.Answered, template: source.Template, *, as_json: bool
) -> None:
    files = project.files()
    if as_json:
        console.print_json(_document(project.target, template, answered, files, replaced))
        return
    top = Tree(str(project.target))
    _grow(top, creating.tree(files, DEPTH))
    console.output().print(top)
    console.output().print(f"{len(files)} files; nothing was written.")
    for name in replaced:
        console.output().print(f"In the way: {name}", markup=False)


def _grow(branch: Tree, entries: dict[str, Any]) -> None:
    """Folders first, then files; a folder that is not opened shows how many files it holds."""
    for name, below in sorted(entries.items(), key=lambda item: (item[1] is None, item[0])):
        if isinstance(below, dict):
            _grow(branch.add(f"{name}/"), below)
        else:
            branch.add(name if below is None else f"{name}/  {below} file{'s' if below > 1 else ''}")
