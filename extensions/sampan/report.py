"""An update in words, for `sampan preview` and `sampan update`."""

import json
from typing import Any, Final

from rich.console import Console

from sampan.updating import Change, Plan

SIGNS: Final = {"added": "+", "changed": "~", "moved": ">", "removed": "-"}
REASONS: Final = {
    "content": "you and the template changed the same lines",
    "added": "you and the template added it, with different contents",
    "moved": "you and the template moved it, to different places",
    "removed": "the template removes it, and you edited it",
}
SHOWN: Final = 40
"""Files listed one by one; an update that touches more shows the rest as a number, unless `--all` or `--json` is given."""


def written(answer: Any) -> str:
    """Return an answer as a person writes it."""
    if answer in ("", None):
        return "empty"
    return answer if isinstance(answer, str) else json.dumps(answer)


def print_plan(console: Console, plan: Plan, *, everything: bool) -> None:
    """Print versions, answers and files, conflicts last: the last lines of a long list are the ones in sight."""
    console.print(
        f"Template {plan.old.version} to {plan.new.version}" if plan.old.commit() != plan.new.commit() else f"Template {plan.old.version}"
    )
    for name, before, after in plan.answers:
        console.print(
            f"  {name}: {f'{written(before)} becomes ' if name in plan.project.answers else 'new question, '}{written(after)}", markup=False
        )
    if plan.costs and plan.costs_after and plan.costs != plan.costs_after:
        console.print(f"  monthly cost: {_range(*plan.costs)} becomes {_range(*plan.costs_after)}", markup=False)
    conflicts = {conflict.path for conflict in plan.conflicts}
    listed = [change for change in plan.changes if change.path not in conflicts]
    listed.sort(key=lambda change: (change.merged, change.kind == "moved"))
    shown = listed if everything else listed[-SHOWN:]
    if len(shown) < len(listed):
        console.print(f"  {len(listed) - len(shown)} more files; --all lists them", style="dim")
    for change in shown:
        console.print(line(change), markup=False, soft_wrap=True)
    for conflict in plan.conflicts:
        console.print(f"! {conflict.path}: {REASONS[conflict.kind]}", style="red", markup=False, soft_wrap=True)
    console.print(totals(plan))


def _range(low: float, high: float) -> str:
    return f"${low:,.0f} to ${high:,.0f}"


def print_losses(console: Console, plan: Plan) -> None:
    """Print the answers whose AWS resources the update would abandon."""
    for loss in plan.losses:
        console.print(f"Abandons AWS resources of {loss}: sampan update needs --yes", style="red", markup=False, soft_wrap=True)


def line(change: Change) -> str:
    """Return one file of an update."""
    path = f"{change.source} -> {change.path}" if change.source else change.path
    return f"{SIGNS[change.kind]} {path}{'  (with your edits)' if change.merged else ''}"


def totals(plan: Plan) -> str:
    """Return the numbers of an update in one line."""
    if not plan.changes and not plan.conflicts:
        return "Nothing to change."
    conflicts = {conflict.path for conflict in plan.conflicts}
    kinds = [change.kind for change in plan.changes if change.path not in conflicts]
    parts = [f"{kinds.count(kind)} {kind}" for kind in SIGNS if kind in kinds]
    merged = sum(change.merged for change in plan.changes if change.path not in conflicts)
    return f"Files: {', '.join(parts) or 'none'}; {merged} with your edits, {len(conflicts)} in conflict."


def document(plan: Plan) -> dict[str, Any]:
    """Return an update as JSON holds it."""
    return {
        "from": plan.old.version,
        "to": plan.new.version,
        "answers": [{"question": name, "before": before, "after": after} for name, before, after in plan.answers],
        "losses": plan.losses,
        "costs": {"before": plan.costs, "after": plan.costs_after},
        "changes": [vars(change) for change in plan.changes],
        "conflicts": [vars(conflict) for conflict in plan.conflicts],
    }
