"""Draws a dashboard of CloudWatch as SVG from its own definition: to look at the page before it ships.

`python -m tests.observability.draw BODY.json PICTURE.svg [RECORDING.json]`, where BODY.json is the value of `dashboard_body` in a plan:
`terraform show -json PLAN | jq -r '.resource_changes[] | select(.type == "aws_cloudwatch_dashboard") | .change.after.dashboard_body'`.

RECORDING.json comes from a load run: `benchmarks/soak.py --minutes 4 --rate 8 --record RECORDING.json`. Its scrapes go through the agent's
arithmetic, and its log lines through the widgets' queries. A widget of metrics that AWS measures itself has made-up data, and says so.
Without a recording, all data are made up.
"""

import json
import math
import os
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tests.observability.agent import Agent, Labels
from tests.observability.cloudwatch import Metrics, Value, evaluate
from tests.observability.insights import Event, event, run

COLUMN, ROW, GAP = 60, 50, 4
"""Size of a cell of the grid, in pixels."""

POINTS = 40
COLOURS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"]
# Values of a quiet service: the middle of the range, by a part of the metric's name.
TYPICAL = {
    "p50 (ms)": 12.0, "p95 (ms)": 85.0, "flight": 6.0, "wait": 0.3, "run": 0.8,
    "hits": 75.0, "percent": 0.6, "slow": 1.2, "failed": 0.4, "Utilization": 35.0, "utilization": 45.0, "capacity": 60.0,
    "Percentage": 40.0, "Connections": 24.0, "FreeableMemory": 4.2e8, "FreeStorageSpace": 1.6e10, "Latency": 0.002, "IOPS": 40.0,
    "bytes": 2.4e5, "Bytes": 3.1e7, "requests": 1200.0, "tasks_due": 2.0, "seconds": 1.5, "pods": 3.0, "node_count": 3.0,
    "ready": 1.0, "pool_size": 8.0, "pool_in_use": 3.0, "queued": 40.0, "succeeded": 39.0, "build_info": 240.0,
    "expression": 70.0,
}  # fmt: skip
RARE = ("errors", "dead", "retried", "Evictions", "restarts", "failed_node", "waiting", "circuit", "rate_limited", "server_errors")


def text(x: float, y: float, words: str, size: int = 11, *, colour: str = "#16191f", anchor: str = "start", weight: str = "normal") -> str:
    """A line of text."""
    style = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(words)}</text>'


def number(value: float) -> str:
    """A number as an axis shows it."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{sign}"
    return f"{value:.3g}"


STEP = 10
"""Seconds of a point of a load run, which is too short for CloudWatch's minutes. Sums are shown a minute, as the titles say."""

MADE_UP = "made up"

SAMPLE = "/v1/products"
"""Routes that are left out of the log widgets: the picture is in every project, also in those without the sample."""


@dataclass(frozen=True)
class Load:
    """A recorded load run: the samples that would reach CloudWatch, and the lines that would reach its logs."""

    metrics: Metrics
    events: Sequence[Event]
    begin: float
    end: float

    @classmethod
    def of(cls, recording: Mapping[str, Any], widgets: Sequence[dict[str, Any]]) -> "Load":
        """Read a recording for the service and environment of a dashboard."""
        rows = (row for widget in widgets for row in widget["properties"].get("metrics", []))
        service, environment = next((row[0], row[3]) for row in rows if "Environment" in row)
        agent, metrics = Agent.of(service, environment), Metrics()
        for at, job, instance, text in recording["scrapes"]:
            metrics.put(agent.scrape(job, instance, text, at))
        times = [at for at, *_ in recording["scrapes"]]
        events = [event(line, pod=pod, namespace=service) for pod, line in recording["lines"]]
        kept = [each for each in events if SAMPLE not in str(each.get("log_processed.route"))]
        return cls(metrics, kept, min(times), max(times))

    @property
    def steps(self) -> int:
        """The points of a line."""
        return int((self.end - self.begin) // STEP)

    def metric(self, row: Sequence[Any], statistic: str, *, whole: bool) -> list[Value]:
        """The values of a metric, in each step or over the whole run."""
        dimensions: Labels = ((row[2], row[3]),)
        bounds = [(self.begin, self.end)] if whole else [(self.begin + STEP * n, self.begin + STEP * (n + 1)) for n in range(self.steps)]
        return [self.metrics.value(row[0], row[1], dict(dimensions), statistic, begin=begin, end=end) for begin, end in bounds]

    def ask(self, query: str) -> list[dict[str, str]]:
        """The rows of a widget's query."""
        _, _, commands = query.partition(" | ")
        return run(commands.replace(" | ", "\n| "), self.events)


Line = tuple[str, list[float], bool]
"""Label, values, and whether it has the right axis."""


def series_of(widget: dict[str, Any], load: Load | None = None) -> tuple[list[Line], bool]:
    """The lines of a widget that are visible, and whether their values are made up."""
    rows = [([cell for cell in row if isinstance(cell, str)], next((c for c in row if isinstance(c, dict)), {})) for row in _rows(widget)]
    if load is None or any(words and "Environment" not in words for words, _ in rows):
        return [_made_up(words, options) for words, options in rows if options.get("visible") is not False], True
    whole = widget["properties"].get("view") == "singleValue"
    length = 1 if whole else load.steps
    known: dict[str, list[Value]] = {}
    lines: list[Line] = []
    for number, (words, options) in enumerate(rows):
        statistic = options.get("stat") or widget["properties"].get("stat", "Sum")
        values = load.metric(words, statistic, whole=whole) if words else evaluate(options["expression"], known, length)
        known[options.get("id", f"row{number}")] = values
        if options.get("visible") is not False:
            scale = 60 / STEP if words and statistic == "Sum" and not whole else 1
            label = str(options.get("label") or words[1])
            lines.append((label, [scale * (value or 0) for value in values], options.get("yAxis") == "right"))
    return lines, False


def _rows(widget: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = widget["properties"]["metrics"]
    return found


def _made_up(words: list[str], options: dict[str, Any]) -> Line:
    name = words[1] if words else f"expression {options.get('label', '')}"
    label = str(options.get("label") or (f"{name} {words[-1]}" if len(words) > 4 or words[0] == "AWS/ElastiCache" else name))
    return label, list(_values(name, label)), options.get("yAxis") == "right"


def _values(name: str, label: str) -> Iterator[float]:
    dice = random.Random(name + label)  # noqa: S311  a picture, not a secret
    rare = any(part in name for part in RARE)
    middle = next((value for part, value in TYPICAL.items() if part in name or part in label), 5.0)
    for point in range(POINTS):
        wave = 1 + 0.25 * math.sin(point / 9 + len(label)) + dice.uniform(-0.06, 0.06)
        yield float(dice.random() > 0.95) if rare else (round(middle) if middle in (1.0, 3.0, 8.0) else middle * wave)


def _lines(widget: dict[str, Any], drawn: Sequence[Line], width: float, height: float) -> Iterator[str]:
    marks = [mark["value"] for mark in widget["properties"].get("annotations", {}).get("horizontal", [])]
    tops = [
        (max([*(max(values) for _, values, right in drawn if right is side), *([] if side else marks), 0]) or 1) * 1.1
        for side in (False, True)
    ]
    left, right, upper, lower = 46.0, width - 10, 34.0, height - 16 - 14 * ((len(drawn) + 1) // 2)
    if any(second for _, _, second in drawn):
        yield from (
            text(right, lower - (lower - upper) * share - 3, number(tops[1] * share), 10, colour="#687078", anchor="end")
            for share in (0.5, 1)
        )
    for share in (0, 0.5, 1):
        y = lower - (lower - upper) * share
        yield f'<line x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" stroke="#e9ebed"/>'
        yield text(left - 5, y + 4, number(tops[0] * share), 10, colour="#687078", anchor="end")
    for mark in marks:
        y = lower - (lower - upper) * mark / tops[0]
        yield f'<line x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" stroke="#d13212" stroke-dasharray="5 3"/>'
    for place, (label, values, second) in enumerate(drawn):
        colour = COLOURS[place % len(COLOURS)]
        step = (right - left) / max(1, len(values) - 1)
        path = " ".join(f"{left + step * at:.1f},{lower - (lower - upper) * value / tops[second]:.1f}" for at, value in enumerate(values))
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        x, y = 12 + (width / 2 - 6) * (place % 2), lower + 18 + 14 * (place // 2)
        longest = int((width / 2 - 24) / 5.6)
        name = f"{label} (right)" if second else label
        yield f'<rect x="{x:.0f}" y="{y - 8:.0f}" width="8" height="8" fill="{colour}"/>'
        yield text(x + 12, y, name if len(name) <= longest else name[: longest - 1] + "…", 10)


def _numbers(drawn: Sequence[Line], width: float, height: float) -> Iterator[str]:
    for place, (label, values, _) in enumerate(drawn):
        x = width * (place + 0.5) / len(drawn)
        yield text(x, height / 2 + 10, number(values[-1]), 34, anchor="middle")
        yield text(x, height / 2 + 34, label, 11, colour="#687078", anchor="middle")


def _log(widget: dict[str, Any], load: Load | None, width: float, height: float) -> Iterator[str]:
    query = str(widget["properties"]["query"])
    stats = re.findall(r"stats (.+?)(?:\||$)", query)[-1]
    names = re.findall(r" as (\w+)", stats)
    if widget["properties"].get("view") == "timeSeries":
        if load:
            rows = sorted(load.ask(query.replace("bin(5m)", f"bin({STEP}s)")), key=lambda row: row[f"bin({STEP}s)"])
            lines = [(f"{name} (ms)", [float(row[name]) for row in rows], False) for name in names]
        else:
            lines = [_made_up([], {"label": f"{name} (ms)"}) for name in names]
        yield from _lines(widget, lines, width, height)
        return
    _, _, by = stats.partition(" by ")
    fields = [field.strip() for field in by.split(",")] + names
    columns = [field.rpartition(".")[2] for field in fields]
    cells = [[row.get(field, "") for field in fields] for row in load.ask(query)[:5]] if load else list(_made_up_rows(query, columns))
    if not cells:
        yield text(12, 50, "No rows", 11, colour="#687078")
        return
    step = (width - 24) / (len(columns) + 2)
    places = [12.0, *(12 + step * (place + 2.4) for place in range(1, len(columns)))]
    places[1] = 12 + step
    for place, column in zip(places, columns, strict=True):
        yield text(place, 50, column, 11, colour="#687078", weight="bold")
    for number_of_row, row in enumerate(cells):
        yield from (text(place, 74 + 24 * number_of_row, cell) for place, cell in zip(places, row, strict=True))


def _made_up_rows(query: str, columns: Sequence[str]) -> Iterator[list[str]]:
    rows = [
        ["GET", "/api/v1/tasks/{task_id}"],
        ["POST", "/api/v1/login"],
        ["GET", "/api/v1/me"],
        ["POST", "/api/v1/tasks"],
        ["GET", "/api/v1/tasks"],
    ]
    dice = random.Random(query)  # noqa: S311  a picture, not a secret
    for place, row in enumerate(rows):
        yield [*row, *("500" if column == "status" else str(dice.randint(2, 40) * (len(rows) - place)) for column in columns[2:])]


def _markdown(widget: dict[str, Any], width: float) -> Iterator[str]:
    words, line, y = str(widget["properties"]["markdown"]).replace("**", "").replace("`", "").split(), "", 48.0
    for word in [*words, ""]:
        if not word or len(line) + len(word) > width / 6.6:
            yield text(12, y, line)
            line, y = "", y + 18
        line += f"{word} "


def _alarms(widget: dict[str, Any], width: float, height: float) -> Iterator[str]:
    names = [arn.rpartition(":alarm:")[2] for arn in widget["properties"]["alarms"]]
    # The prefix is removed everywhere below, because the names of cache nodes repeat it.
    stem = os.path.commonprefix(names)  # noqa: RUF071  names, not paths
    across = 8
    down = math.ceil(len(names) / across)
    cell, tall = (width - 20) / across, (height - 40) / down
    for place, name in enumerate(names):
        x, y = 10 + cell * (place % across), 32 + tall * (place // across)
        yield f'<rect x="{x:.0f}" y="{y:.0f}" width="{cell - 3:.0f}" height="{tall - 3:.0f}" rx="2" fill="#e6f4ea" stroke="#1d8102"/>'
        yield text(x + 5, y + tall / 2 + 3, name.replace(stem, "")[:28], 10)


def _inside(widget: dict[str, Any], load: Load | None, width: float, height: float) -> tuple[list[str], bool]:
    """The inside of a widget, and whether it is made up."""
    if widget["type"] == "alarm":
        return list(_alarms(widget, width, height)), True
    if widget["type"] == "text":
        return list(_markdown(widget, width)), False
    if widget["type"] == "log":
        return list(_log(widget, load, width, height)), load is None
    drawn, made_up = series_of(widget, load)
    whole = widget["properties"].get("view") == "singleValue"
    return list(_numbers(drawn, width, height) if whole else _lines(widget, drawn, width, height)), made_up


def draw(widgets: Sequence[dict[str, Any]], load: Load | None = None) -> str:
    """The dashboard as SVG. With a load run, the widgets that are made up say so."""
    bottom = max(widget["y"] + widget["height"] for widget in widgets)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * COLUMN} {bottom * ROW}" font-family="Helvetica, Arial, sans-serif">'
    parts = [head, f'<rect width="{24 * COLUMN}" height="{bottom * ROW}" fill="#f2f3f3"/>']
    for widget in widgets:
        x, y = widget["x"] * COLUMN + GAP, widget["y"] * ROW + GAP
        width, height = widget["width"] * COLUMN - 2 * GAP, widget["height"] * ROW - 2 * GAP
        parts.append(f'<g transform="translate({x} {y})">')
        title = widget["properties"].get("title")
        if title is None:
            parts.append(text(4, height - 10, widget["properties"]["markdown"].removeprefix("## "), 20, weight="bold"))
        else:
            parts.append(f'<rect width="{width}" height="{height}" rx="4" fill="#ffffff" stroke="#d5dbdb"/>')
            parts.append(text(10, 20, title, 13, weight="bold"))
            inside, made_up = _inside(widget, load, width, height)
            if load and made_up:
                parts.append(text(width - 10, 20, MADE_UP, 11, colour="#687078", anchor="end"))
            parts += inside
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def main(body: str, picture: str, recording: str | None = None) -> None:
    """Write the picture."""
    widgets = json.loads(Path(body).read_text(encoding="utf-8"))["widgets"]
    load = Load.of(json.loads(Path(recording).read_text(encoding="utf-8")), widgets) if recording else None
    Path(picture).write_text(draw(widgets, load), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
