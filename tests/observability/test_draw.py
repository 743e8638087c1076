"""A dashboard drawn from a load run has the run's numbers, and says which widgets have none."""

import json
import re
from typing import Any

import pytest

from tests.observability.draw import MADE_UP, STEP, Load, draw, series_of


def metric(name: str, **options: Any) -> list[Any]:
    return ["shop", name, "Environment", "production", options]


REQUESTS = metric("http_requests_total", id="requests", stat="Sum", label="requests")
ERRORS = metric("http_server_errors_total", id="errors", stat="Sum", visible=False)


def widget(title: str, *rows: list[Any], **properties: Any) -> dict[str, Any]:
    """A widget of lines in a grid of its own."""
    return {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"title": title, "metrics": list(rows), **properties}}


@pytest.fixture
def load() -> Load:
    """A run of a minute, with 20 requests and one error each 10 s."""
    scrapes = []
    for number in range(7):
        text = (
            f"# TYPE http_requests_total counter\nhttp_requests_total {20 * number}\n"
            f"# TYPE http_server_errors_total counter\nhttp_server_errors_total {number}\n"
        )
        scrapes.append((1000.0 + number * STEP, "api", "127.0.0.1:8000", text))
    lines = [
        ["api", json.dumps({"event": "request", "route": "/a", "milliseconds": 10.0 * n, "timestamp": f"1970-01-01T00:16:{40 + n}Z"})]
        for n in (1, 2, 3)
    ]
    return Load.of({"scrapes": scrapes, "lines": lines}, [widget("Requests a minute", REQUESTS)])


def test_sums_are_shown_a_minute_and_ratios_as_they_are(load: Load) -> None:
    share = [{"expression": "100 * errors / requests", "id": "share", "label": "failed"}]
    (requests, failed), made_up = series_of(widget("Requests", REQUESTS, ERRORS, share), load)
    assert not made_up
    assert (requests[0], requests[1][1:]) == ("requests", [120.0] * 5)
    assert (failed[0], failed[1][1:]) == ("failed", [5.0] * 5)


def test_a_single_value_is_that_of_the_whole_run(load: Load) -> None:
    ((label, values, _),), _ = series_of(widget("Requests", REQUESTS, view="singleValue"), load)
    assert (label, values) == ("requests", [100.0])


def test_a_table_has_the_rows_of_its_query(load: Load) -> None:
    query = "SOURCE 'x' | filter log_processed.event = 'request' | stats count(*) as requests by log_processed.route | sort requests desc"
    table = {**widget("Busiest routes"), "type": "log"}
    table["properties"] = {"title": "Busiest routes", "view": "table", "query": query}
    words = re.findall(r">([^<]+)</text>", draw([table], load))
    assert words == ["Busiest routes", "route", "requests", "/a", "3"]


def test_a_widget_of_what_aws_measures_says_that_it_is_made_up(load: Load) -> None:
    pods = widget("Pods", ["ContainerInsights", "pod_cpu_utilization", "Namespace", "shop", {"label": "CPU"}])
    assert MADE_UP in draw([pods], load)
    assert MADE_UP not in draw([widget("Requests", REQUESTS)], load)
    assert MADE_UP not in draw([pods])
