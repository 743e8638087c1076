"""The alarms of an environment in CloudWatch: which fire, since when, and the runbook of each."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import boto3


class State(StrEnum):
    """State of an alarm, in words. A heartbeat without data has lost its metric; any other alarm just does not know."""

    FIRING = "firing"
    NO_HEARTBEAT = "no heartbeat"
    NO_DATA = "no data"
    OK = "ok"


# infra/modules/alarms writes it.
_DESCRIPTION = re.compile(
    r"\[(?P<severity>\w+)\] (?P<summary>.+)\. Owner: .+\. Runbook: \S+?/(?P<runbook>runbooks/\S+)"
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm."""

    name: str
    state: State
    since: datetime
    severity: str
    summary: str
    runbook: str
    paused: bool

    @classmethod
    def parse(cls, found: dict[str, Any]) -> "Alarm":
        """Read an alarm as CloudWatch describes it. A description of another shape is the summary."""
        description = str(found.get("AlarmDescription", ""))
        said = _DESCRIPTION.fullmatch(description)
        return cls(
            name=found["AlarmName"],
            state=_state(found),
            since=found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"],
            severity=said["severity"] if said else "",
            summary=said["summary"] if said else description,
            runbook=f"docs/{said['runbook']}" if said else "docs/runbooks",
            paused=not found.get("ActionsEnabled", True),
        )

    @property
    def wrong(self) -> bool:
        """Whether somebody should look at it."""
        return self.state in (State.FIRING, State.NO_HEARTBEAT)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "state": str(self.state), "since": self.since.isoformat()}


def _state(found: dict[str, Any]) -> State:
    if found["StateValue"] == "ALARM":
        return State.FIRING
    if found["StateValue"] == "OK":
        return State.OK
    return State.NO_HEARTBEAT if found.get("InsufficientDataActions") else State.NO_DATA


def read_alarms(region: str, prefixes: Sequence[str]) -> list[Alarm]:
    """Read the alarms whose names begin with one of the prefixes: those that fire first, then by name."""
    client = boto3.client("cloudwatch", region_name=region)
    found = {alarm.name: alarm for prefix in prefixes for alarm in _described(client, prefix)}
    order = list(State)
    return sorted(found.values(), key=lambda alarm: (order.index(alarm.state), alarm.name))


def _described(client: Any, prefix: str) -> Iterator[Alarm]:
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    for page in pages:
        yield from map(Alarm.parse, [*page.get("CompositeAlarms", []), *page.get("MetricAlarms", [])])


def text_of(alarms: Sequence[Alarm], now: datetime) -> str:
    """Return what to tell a person: three lines for each alarm that fires, and one line about the others."""
    lines: list[str] = []
    for alarm in alarms:
        if alarm.wrong:
            paused = ", messages are paused" if alarm.paused else ""
            severity = f"{alarm.severity}: " if alarm.severity else ""
            lines.append(f"{alarm.state} for {_age(now - alarm.since.astimezone(UTC))}{paused}  {alarm.name}")
            lines += [f"  {severity}{alarm.summary}", f"  Read {alarm.runbook}"]
    quiet = [alarm for alarm in alarms if not alarm.wrong]
    unknown = sum(alarm.state is State.NO_DATA for alarm in quiet)
    without = f", {unknown} of them without data" if unknown else ""
    if not alarms:
        lines.append("there are no alarms: apply the infrastructure first")
    elif quiet:
        lines.append(f"{len(quiet)} of {len(alarms)} alarms are quiet{without}")
    if any(alarm.state is State.NO_HEARTBEAT for alarm in alarms):
        lines.append("A missing heartbeat is normal before the first release.")
    return "\n".join(lines)


def _age(age: Any) -> str:
    minutes = int(age.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
