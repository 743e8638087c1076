"""`sampan cost`."""

import csv
import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from sampan import answers, console, estimates, prices, reference
from sampan.errors import UserError
from sampan.estimates import LEVELS, Estimate, usd


def command(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[ANSWERS]", help="Answers file, project folder, profile or region, by default the project in this folder."),
    ] = None,
    data: answers.DataOption = None,
    *,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="Compare two of these; a region uses the answers of the other.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Show every line instead of groups.")] = False,
    as_json: console.JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every line as CSV.")] = False,
) -> None:
    """Estimate the monthly cost of a project on AWS, at low and at high traffic.

    `~` marks amounts with a price that is inferred. A price that is not known makes a total "at least".
    """
    if as_json and as_csv:
        message = "Choose --json or --csv."
        raise UserError(message)
    given = answers.pairs(data)
    if compare and compare[0] == compare[1]:
        message = f"{compare[0]} is compared with {compare[1]}: choose another."
        raise UserError(message)
    answers.check_names(given, reference.questions())
    asked = estimates.compared(*compare) if compare else {(name := source or estimates.here()): estimates.data_of(name)}
    found = [estimates.estimate(name, {**of_name, **given}) for name, of_name in asked.items()]
    known = prices.table()
    if warning := prices.stale(datetime.now(UTC).date(), known):
        console.messages().print(f"Warning: {warning}", style="yellow", soft_wrap=True)
    if as_json:
        console.print_json({each.name: each.costs for each in found} if compare else found[0].costs)
    elif as_csv:
        _csv(found)
    elif compare:
        _comparison(*found)
    else:
        _summary(found[0], lines=lines)


def _csv(found: list[Estimate]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["answers", "environment", "group", "item", "label", "region", *LEVELS, "basis"])
    for each in found:
        for name, part in each.parts().items():
            for line in part["lines"]:
                columns = [line[column] for column in ("group", "key", "label", "region", *LEVELS, "basis")]
                writer.writerow([each.name, name, *columns])


def _marked(amount: float, basis: str) -> str:
    return "?" if basis == "missing" else f"{'~' if basis == 'inferred' else ''}{usd(amount)}"


def _total(estimate: dict[str, Any], level: str) -> str:
    return f"{'at least ' if estimate['missing'] else ''}{usd(estimate[level])}"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=not number)
    return table


def _headings(each: Estimate) -> list[str]:
    return [f"{name}\n{part['requests'][level]:g}/s" for name, part in each.environments.items() for level in LEVELS]


def _summary(each: Estimate, *, lines: bool) -> None:
    out = console.output()
    out.print(f"Estimated monthly cost in {each.region}: USD before tax, prices of {each.costs['checked']}.")
    out.print("Columns: requests a second, as the month's average. ~ inferred price.", style="dim")
    if lines:
        for name, part in each.parts().items():
            table = _table(name, *([f"{part['requests'][level]:g}/s" for level in LEVELS] if "requests" in part else LEVELS))
            for line in part["lines"]:
                table.add_row(line["label"], *(_marked(line[level], line["basis"]) for level in LEVELS))
            table.add_section()
            table.add_row("Total", *(_total(part, level) for level in LEVELS), style="bold")
            out.print(table)
    else:
        out.print(_groups(each))
    out.print(f"Together with the account: {_total(dict(each.costs), 'low')} to {_total(dict(each.costs), 'high')}.", style="bold")
    out.print(_savings(each))
    out.print("Savings do not add up: a reservation saves nothing on a node that is stopped.", style="dim")


def _groups(each: Estimate) -> Table:
    table = _table("", *_headings(each))
    for group in each.groups():
        sums = [each.sum_of(group, level, [name]) for name in each.environments for level in LEVELS]
        if any(sums):
            table.add_row(group, *map(usd, sums))
    table.add_section()
    table.add_row("Total", *(_total(part, level) for part in each.environments.values() for level in LEVELS), style="bold")
    return table


def _savings(each: Estimate) -> Table:
    table = _table("Saves a month, all environments together", *LEVELS)
    for saving in each.savings():
        if saving.low or saving.high:
            table.add_row(f"{saving.title}\n  does not touch: {saving.untouched}\n  {saving.how}", *map(usd, (saving.low, saving.high)))
        else:
            table.add_row(f"{saving.title}: in the estimate", "", "")
    return table


def _comparison(first: Estimate, second: Estimate) -> None:
    out = console.output()
    out.print(f"Estimated monthly cost, all environments: USD before tax, prices of {first.costs['checked']}.")
    table = _table("", *(f"{each.name}\n{level}" for each in (first, second) for level in LEVELS), "change\nlow", "change\nhigh")
    for group in dict.fromkeys([*first.groups(), *second.groups()]):
        sums = [each.sum_of(group, level) for each in (first, second) for level in LEVELS]
        table.add_row(group, *map(usd, sums), *(f"{sums[number + 2] - sums[number]:+,.0f}" for number in range(2)))
    table.add_section()
    totals = [_total(dict(each.costs), level) for each in (first, second) for level in LEVELS]
    differences = [f"{second.costs[level] - first.costs[level]:+,.0f}" for level in LEVELS]
    table.add_row("Total", *totals, *differences, style="bold")
    out.print(table)
