"""`ops alarms` and `ops query`."""

import json
from datetime import timedelta
from typing import Annotated

import typer

from ops import alarms as watched
from ops import clock, options, project, queries
from ops.aws import read_contract
from ops.contract import Contract
from ops.output import say

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]


def _contract(environment: str) -> Contract:
    root = project.find()
    project.require_environment(root, environment)
    facts = project.facts(root)
    return read_contract(facts["SERVICE"], environment, facts["AWS_REGION"])


@app.command()
def alarms(environment: options.EnvironmentName, *, as_json: AsJson = False) -> None:
    """Show the alarms of the service and its platform that are firing, since when, and their runbooks.

    The exit status is 1 when an alarm fires.
    """
    contract = _contract(environment)
    prefixes = sorted({f"{contract.service}-{environment}-", f"{contract.cluster_name}-"})
    found = watched.read_alarms(contract.region, prefixes)
    say(json.dumps([alarm.as_dict() for alarm in found], indent=2) if as_json else watched.text_of(found, clock.now()))
    if any(alarm.state is watched.State.FIRING for alarm in found):
        raise typer.Exit(1)


@app.command()
def query(
    environment: options.EnvironmentName,
    name: Annotated[
        str, typer.Argument(metavar="QUERY", help="A saved query, such as failed-requests.", show_default=False)
    ],
    *,
    minutes: Annotated[int, typer.Option(min=1, help="How far to look into the past.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Run a saved query of CloudWatch Logs Insights and print what it finds."""
    contract = _contract(environment)
    platform = contract.cluster_name.removesuffix(f"-{environment}")
    prefixes = sorted({f"{contract.service}/{environment}/", f"{platform}/{environment}/"})
    rows = queries.run_query(contract.region, prefixes, name, timedelta(minutes=minutes), clock.now())
    say(json.dumps(rows, indent=2) if as_json else queries.text_of(rows))
