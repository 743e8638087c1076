"""Queries of CloudWatch Logs Insights on lines that a process logged: as much of the language as the saved queries use.

From the user guide, *CloudWatch Logs Insights query syntax* (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html):
`filter` with comparisons, `in`, `ispresent`, `and` and `or`; `fields`; `stats` with `count(*)` and `pct(field, n)` `by` fields or
a `bin` of time; `sort`; `limit`. A comparison with a field that an event lacks does not hold. The rest of the language is refused.

An event has the fields that Fluent Bit writes on EKS: `log`, and `log_processed` where that is JSON (option `Merge_Log_Key` of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-setup-logs-FluentBit.html), and `kubernetes`.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
Row = dict[str, str]

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>@?[a-z_][\w.]*)|(?P<sign>>=|<=|!=|[=<>()\[\],]))")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def event(line: str, *, pod: str, namespace: str) -> Event:
    """One line of a pod's log as Fluent Bit sends it."""
    found: dict[str, Any] = {"log": line, "kubernetes.pod_name": pod, "kubernetes.namespace_name": namespace}
    try:
        processed = json.loads(line)
    except json.JSONDecodeError:
        processed = None
    if isinstance(processed, dict):
        found |= {f"log_processed.{name}": value for name, value in processed.items()}
        found["@timestamp"] = processed.get("timestamp")
    return found


def run(query: str, events: Iterable[Event]) -> list[Row]:
    """The rows of a query. Raises ValueError for what it does not know."""
    rows: list[dict[str, Any]] = [dict(event) for event in events]
    shown: list[str] | None = None
    for command in query.split("\n| "):
        word, _, rest = command.partition(" ")
        match word:
            case "filter":
                holds = _Condition(rest).parse()
                rows = [row for row in rows if holds(row)]
            case "fields":
                shown = [name.strip() for name in rest.split(",")]
            case "stats":
                rows, shown = _stats(rest, rows)
            case "sort":
                name, order = rest.split()
                rows.sort(key=lambda row, name=name: _order(row.get(name)), reverse=order == "desc")  # type: ignore[misc]  # mypy gives a lambda's default no type
            case "limit":
                rows = rows[: int(rest)]
            case _:
                message = f"not known here: {command}"
                raise ValueError(message)
    return [{name: _text(row[name]) for name in shown or row if row.get(name) is not None} for row in rows]


def _order(value: Any) -> tuple[bool, float, str]:
    return (value is not None, value, "") if isinstance(value, int | float) else (value is not None, 0.0, str(value))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _stats(rest: str, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    computed, _, by = rest.partition(" by ")
    keys = [name.strip() for name in by.split(",")] if by else []
    functions = re.findall(r"(count\(\*\)|pct\([^)]*\)) as (\w+)", computed)
    if re.sub(r"(count\(\*\)|pct\([^)]*\)) as \w+,? ?", "", computed):
        message = f"not known here: {computed}"
        raise ValueError(message)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(_key(row, name) for name in keys), []).append(row)
    found = [
        dict(zip(keys, values, strict=True)) | {name: _computed(function, group) for function, name in functions}
        for values, group in groups.items()
    ]
    return found, [*keys, *(name for _, name in functions)]


def _key(row: dict[str, Any], name: str) -> Any:
    """The value of a field, or the beginning of the bin that an event falls into, in seconds since 1970."""
    found = re.fullmatch(r"bin\((\d+)([sm])\)", name)
    if found is None:
        return row.get(name)
    width = int(found[1]) * {"s": 1, "m": 60}[found[2]]
    return int(datetime.fromisoformat(str(row["@timestamp"])).timestamp()) // width * width


def _computed(function: str, group: list[dict[str, Any]]) -> float:
    if function == "count(*)":
        return len(group)
    name, share = (word.strip() for word in function.removeprefix("pct(").removesuffix(")").split(","))
    values = sorted(float(row[name]) for row in group if name in row)
    return values[max(0, math.ceil(len(values) * float(share) / 100) - 1)] if values else math.nan


class _Condition:
    """The condition of a `filter`, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                message = f"not known here: {text[place:]}"
                raise ValueError(message)
            self._words.append(found[0].strip())
            place = found.end()

    def parse(self) -> Callable[[Event], bool]:
        holds = self._either()
        if self._words:
            message = f"not known here: {' '.join(self._words)}"
            raise ValueError(message)
        return holds

    def _either(self) -> Callable[[Event], bool]:
        parts = [self._both()]
        while self._next("or"):
            parts.append(self._both())
        return lambda row: any(part(row) for part in parts)

    def _both(self) -> Callable[[Event], bool]:
        parts = [self._one()]
        while self._next("and"):
            parts.append(self._one())
        return lambda row: all(part(row) for part in parts)

    def _one(self) -> Callable[[Event], bool]:
        if self._next("("):
            inner = self._either()
            self._expect(")")
            return inner
        name = self._words.pop(0)
        if name == "ispresent":
            self._expect("(")
            present = self._words.pop(0)
            self._expect(")")
            return lambda row: row.get(present) is not None
        sign = self._words.pop(0)
        if sign == "in":
            self._expect("[")
            values = [self._value()]
            while self._next(","):
                values.append(self._value())
            self._expect("]")
            return lambda row: row.get(name) in values
        compare, value = _COMPARISONS[sign], self._value()
        return lambda row: row.get(name) is not None and compare(row[name], value)

    def _value(self) -> str | float:
        word = self._words.pop(0)
        return word.strip("'") if word.startswith("'") else float(word)

    def _next(self, word: str) -> bool:
        if self._words and self._words[0] == word:
            self._words.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._next(word):
            message = f"{word} is missing before {' '.join(self._words)}"
            raise ValueError(message)
