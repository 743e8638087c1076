"""`ops status`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ops import options
from ops.doctor.context import Context
from ops.doctor.finding import Severity
from ops.doctor.run import AFTER, findings_of
from ops.environment import Environment
from ops.history import Entry, State
from ops.output import say
from ops.release import Release

app = typer.Typer()


@app.command()
def status(
    environment: options.EnvironmentName,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what runs in an environment: release, digests, replicas, drift and faults.

    Drift is what applying the running release again would change. The exit status is 1 when something is broken.
    """
    here = Environment.load(environment)
    found = _look(here)
    say(json.dumps(found, indent=2) if as_json else _text(found))
    if any(finding["severity"] == Severity.ERROR for finding in found["findings"]):
        raise typer.Exit(1)


def _look(here: Environment) -> dict[str, Any]:
    entries = here.history.entries()
    running = next((entry for entry in entries if entry.state is State.DEPLOYED), None)
    under_way = entries[0] if entries and entries[0].state is State.STARTED else None
    snapshot = here.snapshot.read()
    findings = findings_of(AFTER, Context(here.root, here.contract.environment))
    return {
        "environment": here.contract.environment,
        "url": f"https://{here.contract.host}" if here.contract.host and here.contract.certificate_arn else "",
        "release": _entry(running),
        "under_way": _entry(under_way),
        "deployments": [_deployment(each) for each in here.cluster.items("deployments")],
        "drift": Release(here.cluster, snapshot, say).diff() if snapshot else "",
        "findings": [finding.as_dict() for finding in findings],
    }


def _entry(entry: Entry | None) -> dict[str, str] | None:
    return None if entry is None else {key: str(value) for key, value in asdict(entry).items()}


def _deployment(found: dict[str, Any]) -> dict[str, Any]:
    containers = found.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    return {
        "name": found["metadata"]["name"],
        "replicas": found.get("spec", {}).get("replicas", 0),
        "ready": found.get("status", {}).get("readyReplicas", 0),
        "digest": containers[0]["image"].partition("@")[2] if containers else "",
    }


def _text(found: dict[str, Any]) -> str:
    release, under_way = found["release"], found["under_way"]
    lines = [f"{found['environment']}  {found['url'] or 'no HTTPS'}"]
    lines.append(f"release   {release['release']} since {release['at']}" if release else "release   none has come up")
    if under_way:
        lines.append(f"under way {under_way['release']} since {under_way['at']}")
    lines += [f"{d['name']:<10}{d['ready']} of {d['replicas']} ready  {d['digest']}" for d in found["deployments"]]
    lines.append("drift     " + ("applying the release again would change:" if found["drift"] else "none"))
    lines += [f"  {line}" for line in found["drift"].splitlines()]
    lines += ["health    ok"] if not found["findings"] else []
    lines += [
        f"{f['severity']:<10}{f['check']}: {f['problem']}. {f['remedy']} [{f['docs']}]" for f in found["findings"]
    ]
    return "\n".join(lines)
