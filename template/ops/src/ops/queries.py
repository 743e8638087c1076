"""Saved queries of CloudWatch Logs Insights, by the names that the runbooks use."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3

from ops.errors import OpsError
from ops.waiting import Wait

POLL_SECONDS = 1.0
# CloudWatch itself ends a query after an hour.
LONGEST = 900.0
_UNDER_WAY = ("Scheduled", "Running", "Unknown")

Row = dict[str, str]


def run_query(region: str, prefixes: Sequence[str], name: str, span: timedelta, now: datetime) -> list[Row]:
    """Run a saved query over the last `span` and return its rows, fields by name. Raises OpsError."""
    client = boto3.client("logs", region_name=region)
    saved = _saved(client, prefixes)
    if name not in saved:
        known = ", ".join(sorted(saved)) or "apply the infrastructure first"
        raise OpsError(f"there is no saved query {name}: {known}")
    started = client.start_query(
        logGroupNames=saved[name]["logGroupNames"],
        queryString=saved[name]["queryString"],
        startTime=int((now - span).timestamp()),
        endTime=int(now.timestamp()),
    )
    wait = Wait(f"the query {name}", LONGEST)
    while (found := client.get_query_results(queryId=started["queryId"]))["status"] in _UNDER_WAY and not wait.is_over:
        wait.pause(POLL_SECONDS)
    if found["status"] != "Complete":
        raise OpsError(f"the query {name} ended as {found['status']}: ask for a shorter time")
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in found["results"]]


def _saved(client: Any, prefixes: Sequence[str]) -> dict[str, Any]:
    saved: dict[str, Any] = {}
    for prefix in prefixes:
        request: dict[str, Any] = {"queryDefinitionNamePrefix": prefix}
        while True:
            page = client.describe_query_definitions(**request)
            saved |= {found["name"].removeprefix(prefix): found for found in page["queryDefinitions"]}
            if not page.get("nextToken"):
                break
            request["nextToken"] = page["nextToken"]
    return saved


def text_of(rows: Sequence[Row]) -> str:
    """Return rows as text: one per line, `field=value`, without the prefixes that Fluent Bit gives the fields."""
    if not rows:
        return "nothing found"
    return "\n".join("  ".join(f"{_short(field)}={value}" for field, value in row.items()) for row in rows)


def _short(field: str) -> str:
    return field.removeprefix("log_processed.").removeprefix("kubernetes.").removeprefix("@")
