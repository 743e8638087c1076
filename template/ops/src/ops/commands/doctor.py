"""`ops doctor`."""

import json
from typing import Annotated

import typer

from ops import options, project
from ops.doctor.context import Context
from ops.doctor.finding import Severity
from ops.doctor.run import diagnose
from ops.output import say

app = typer.Typer()


@app.command()
def doctor(
    environment: options.EnvironmentName,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as a JSON list.")] = False,
) -> None:
    """Check an environment before and after its deployment. Changes nothing.

    Each finding is one line: what is wrong, what to do, and where the guide explains it. The exit status is 1 if a
    finding is an error, and 0 if all are warnings.
    """
    root = project.find()
    project.require_environment(root, environment)
    findings = diagnose(Context(root, environment))
    if as_json:
        say(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        for finding in findings:
            say(str(finding))
        if not findings:
            say(f"nothing is wrong with {environment}")
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)
