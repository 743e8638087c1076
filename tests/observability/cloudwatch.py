"""CloudWatch's rules for alarms: samples in, states out.

From the CloudWatch user guide (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/), read on 2026-11-28:

- *Alarm evaluation* and *Using CloudWatch alarms*: an alarm is evaluated once a minute over the last minutes of its period, whether or not
  they begin with the period (`Alarm.values`); M of the last N values must breach.
- *Configuring how CloudWatch alarms treat missing data*: more values than N are looked at, the evaluation range; missing ones are filled in
  as few times as possible (`state_of`). Its two tables are test cases. The range is N + 2, as in its examples: it gives no rule for others.
- *Avoiding premature transitions to alarm state*, on the same page: an alarm whose oldest value in the range breaches and is at least M
  periods old, with nothing but breaching and missing values after it, goes to ALARM although fewer than M values are there.
- *Using math expressions*: IF, FILL, ABS, CEIL, FLOOR; AVG, MAX, MIN and SUM of a list; comparisons give 1 and 0; `&&` and `||`. A value of
  an expression is missing where a value that it needs is. The guide does not say what a division by zero gives: it is missing here.
- Composite alarms (*Combining alarms*): ALARM(), OK(), INSUFFICIENT_DATA(), AND, OR, NOT (`composite`). With a suppressor they wait
  for it to fire before they act, and wait again after it has recovered (API reference, PutCompositeAlarm, ActionsSuppressorWaitPeriod and
  ActionsSuppressorExtensionPeriod; `acts`).

An alarm is given as a dictionary with the names of Terraform's `aws_cloudwatch_metric_alarm`, such as a plan's values.
"""

import ast
import math
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.observability.agent import Datum, Labels

MINUTE = 60.0
# Number of values beyond N that an evaluation takes into account.
EXTRA = 2

Value = float | None
Values = list[Value]


class State(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Maximum": max,
    "Minimum": min,
    "SampleCount": lambda values: float(len(values)),
}


@dataclass
class Metrics:
    """The samples of an account and region. CloudWatch keeps them by minute: `put` a sample at its own time."""

    _samples: dict[tuple[str, str, Labels], list[tuple[float, float]]] = field(default_factory=dict)

    def put(self, data: Iterable[Datum]) -> None:
        """Store samples, of any time order."""
        for datum in data:
            key = (datum.namespace, datum.name, tuple(sorted(datum.dimensions)))
            insort(self._samples.setdefault(key, []), (datum.time, datum.value))

    def names(self, namespace: str) -> set[str]:
        """The metrics of a namespace that have a sample."""
        return {name for space, name, _ in self._samples if space == namespace}

    def value(self, namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, *, begin: float, end: float) -> Value:
        """A statistic over the samples of [begin, end); None where there is none."""
        samples = self._samples.get((namespace, name, tuple(sorted(dimensions.items()))), [])
        low, high = (bisect_left(samples, (moment,)) for moment in (begin, end))
        values = [value for _, value in samples[low:high]]
        return _STATISTICS[statistic](values) if values else None


def state_of(values: Sequence[Value], breaches: Callable[[float], bool], *, alarm: int, periods: int, missing: str, before: State) -> State:
    """The state by the values of the evaluation range, oldest first. `missing` is treat_missing_data, `alarm` M, `periods` N."""
    found = [breaches(value) for value in values if value is not None]
    if len(found) >= periods:
        return State.ALARM if sum(found[-periods:]) >= alarm else State.OK
    filled = {"breaching": True, "notBreaching": False}.get(missing)
    if filled is not None:
        return State.ALARM if sum(found) + filled * (periods - len(found)) >= alarm else State.OK
    if sum(found) >= alarm:
        return State.ALARM
    if not all(found):  # at least one value is within the threshold
        return State.OK
    if missing == "ignore":
        return before
    age = next((len(values) - place for place, value in enumerate(values) if value is not None), 0)
    return State.ALARM if found and age >= alarm else State.INSUFFICIENT_DATA


@dataclass(frozen=True)
class Alarm:
    """A metric alarm: Terraform's attributes, and how to read them."""

    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.attributes["alarm_name"])

    @property
    def periods(self) -> int:
        """N: the values that are evaluated."""
        return int(self.attributes["evaluation_periods"])

    @property
    def to_alarm(self) -> int:
        """M: the values that must breach."""
        return int(self.attributes.get("datapoints_to_alarm") or self.periods)

    @property
    def period(self) -> float:
        """Seconds of one value."""
        queries = self.attributes.get("metric_query") or ()
        lengths = {float(metric["period"]) for query in queries for metric in query.get("metric") or ()}
        lengths |= {float(query["period"]) for query in queries if query.get("period")}
        return max(lengths) if lengths else float(self.attributes["period"])

    def breaches(self, value: float) -> bool:
        """Whether a value is beyond the threshold."""
        return _COMPARISONS[self.attributes["comparison_operator"]](value, float(self.attributes["threshold"]))

    def values(self, metrics: Metrics, now: float) -> Values:
        """The values of the evaluation range, oldest first. The last one ends with the last full minute."""
        end = now // MINUTE * MINUTE
        ends = [end - self.period * back for back in range(self.periods + EXTRA - 1, -1, -1)]
        queries = self.attributes.get("metric_query") or ()
        if not queries:
            return [_metric_value(metrics, self.attributes, moment) for moment in ends]
        series: dict[str, Values] = {}
        for query in (one for one in queries if one.get("metric")):
            (metric,) = query["metric"]
            series[query["id"]] = [_metric_value(metrics, metric, moment) for moment in ends]
        for query in _by_dependence([one for one in queries if one.get("expression")], set(series)):
            series[query["id"]] = evaluate(query["expression"], series, len(ends))
        (answer,) = (query["id"] for query in queries if query.get("return_data"))
        return series[answer]

    def state(self, metrics: Metrics, now: float, before: State = State.INSUFFICIENT_DATA) -> State:
        """The state at a time in seconds, given the one before."""
        missing = self.attributes.get("treat_missing_data") or "missing"
        values = self.values(metrics, now)
        return state_of(values, self.breaches, alarm=self.to_alarm, periods=self.periods, missing=missing, before=before)

    def history(self, metrics: Metrics, begin: float, end: float) -> list[tuple[float, State]]:
        """The changes of state from `begin` to `end`, by one evaluation a minute; the first is the first evaluation."""
        changes: list[tuple[float, State]] = []
        moment, state = begin, State.INSUFFICIENT_DATA
        while moment <= end:
            following = self.state(metrics, moment, state)
            if following != state or not changes:
                changes.append((moment, following))
            state, moment = following, moment + MINUTE
        return changes


def _metric_value(metrics: Metrics, metric: Mapping[str, Any], end: float) -> Value:
    statistic = metric.get("statistic") or metric.get("stat")
    if statistic not in _STATISTICS:
        message = f"no such statistic here: {statistic}"
        raise ValueError(message)
    begin = end - float(metric["period"])
    return metrics.value(metric["namespace"], metric["metric_name"], metric.get("dimensions") or {}, statistic, begin=begin, end=end)


def _by_dependence(queries: list[Mapping[str, Any]], known: set[str]) -> list[Mapping[str, Any]]:
    """Expressions, each after those that it names."""
    ordered: list[Mapping[str, Any]] = []
    waiting = list(queries)
    while waiting:
        ready = [query for query in waiting if _names(query["expression"]) <= known]
        if not ready:
            message = f"expressions name what is not there: {[query['expression'] for query in waiting]}"
            raise ValueError(message)
        ordered += ready
        known |= {query["id"] for query in ready}
        waiting = [query for query in waiting if query not in ready]
    return ordered


def _names(expression: str) -> set[str]:
    return {node.id for node in ast.walk(_parse(expression)) if isinstance(node, ast.Name) and node.id[0].islower()}


def _parse(expression: str) -> ast.expr:
    """Parse CloudWatch's expression as Python. Only the operators `&&`, `||` and `^` differ."""
    python = re.sub(r"\bOR\b", "||", re.sub(r"\bAND\b", "&&", expression)).replace("&&", " and ").replace("||", " or ").replace("^", "**")
    return ast.parse(python.strip(), mode="eval").body


def evaluate(expression: str, series: Mapping[str, Values], length: int) -> Values:
    """The values of a metric math expression over series of one length. Raises ValueError for what it does not know."""
    return _Expression(series, length).of(_parse(expression))


_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: float(a**b),
}
_ORDER: dict[type[ast.cmpop], Callable[[float, float], float]] = {
    ast.Gt: lambda a, b: float(a > b),
    ast.GtE: lambda a, b: float(a >= b),
    ast.Lt: lambda a, b: float(a < b),
    ast.LtE: lambda a, b: float(a <= b),
    ast.Eq: lambda a, b: float(a == b),
    ast.NotEq: lambda a, b: float(a != b),
}
_ONE: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": lambda a: float(math.ceil(a)), "FLOOR": lambda a: float(math.floor(a))}


@dataclass(frozen=True)
class _Expression:
    series: Mapping[str, Values]
    length: int

    def of(self, node: ast.expr) -> Values:
        match node:
            case ast.Constant(value=int() | float() as number):
                return [float(number)] * self.length
            case ast.Name(id=name) if name in self.series:
                return self.series[name]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.call(name, arguments)
        return self.operation(node)

    def operation(self, node: ast.expr) -> Values:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _each(lambda a: -a, self.of(operand))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
                return _each(_ARITHMETIC[type(operator)], self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return _each(_ORDER[type(operator)], self.of(left), self.of(right))
            case ast.BoolOp(op=operator, values=parts):
                both = isinstance(operator, ast.And)
                return _each(lambda *all_: float((all if both else any)(all_)), *(self.of(part) for part in parts))
        message = f"not known here: {ast.unparse(node)}"
        raise ValueError(message)

    def call(self, name: str, arguments: list[ast.expr]) -> Values:
        match name, arguments:
            case "IF", [condition, yes, no]:
                rows = zip(self.of(condition), self.of(yes), self.of(no), strict=True)
                return [None if asked is None else (first if asked else second) for asked, first, second in rows]
            case "FILL", [inner, ast.Name(id="REPEAT")]:
                return _repeated(self.of(inner))
            case "FILL", [inner, filler]:
                return [value if value is not None else fill for value, fill in zip(self.of(inner), self.of(filler), strict=True)]
            case ("MAX" | "MIN" | "SUM" | "AVG") as word, [ast.List(elts=parts)]:
                statistic = {"MAX": "Maximum", "MIN": "Minimum", "SUM": "Sum", "AVG": "Average"}[word]
                rows = zip(*(self.of(part) for part in parts), strict=True)
                return [_STATISTICS[statistic](found) if (found := [one for one in row if one is not None]) else None for row in rows]
            case _, [inner] if name in _ONE:
                return _each(_ONE[name], self.of(inner))
        message = f"not known here: {name} of {[ast.unparse(argument) for argument in arguments]}"
        raise ValueError(message)


def _each(function: Callable[..., float], *series: Values) -> Values:
    results: Values = []
    for row in zip(*series, strict=True):
        try:
            results.append(None if None in row else function(*row))
        except ZeroDivisionError:
            results.append(None)
    return results


def _repeated(values: Values) -> Values:
    last: Value = None
    results: Values = []
    for value in values:
        last = value if value is not None else last
        results.append(last)
    return results


def composite(rule: str, states: Mapping[str, State]) -> bool:
    """Whether a composite alarm's rule holds, by the states of the alarms that it names, with or without their ARN."""

    def replaced(found: re.Match[str]) -> str:
        name = found[2].strip().strip("\"'").rsplit(":alarm:", 1)[-1]
        return str(states[name] == State(found[1]))

    words = {"TRUE": "True", "FALSE": "False", "AND": "and", "OR": "or", "NOT": "not"}
    python = re.sub(r"\b(ALARM|OK|INSUFFICIENT_DATA)\(([^()]*)\)", replaced, rule)
    python = re.sub(r"\b(TRUE|FALSE|AND|OR|NOT)\b", lambda found: words[found[1]], python)
    return _truth(ast.parse(" ".join(python.split()), mode="eval").body)


def acts(firing: Sequence[bool], suppressed: Sequence[bool], *, wait: int, extension: int) -> list[int]:
    """The minutes at which a composite alarm sends that it fires, by its and its suppressor's state in each minute; periods in minutes."""
    sent: list[int] = []
    since, quiet_until, told = 0, 0, False
    for minute, (fires, silenced) in enumerate(zip(firing, suppressed, strict=True)):
        if not fires:
            told = False
            continue
        if minute == 0 or not firing[minute - 1]:
            since = minute
        if silenced:
            quiet_until = minute + 1 + extension
        elif not told and minute >= max(since + wait, quiet_until):
            sent.append(minute)
            told = True
    return sent


def _truth(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=bool() as known):
            return known
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _truth(operand)
        case ast.BoolOp(op=operator, values=parts):
            return (all if isinstance(operator, ast.And) else any)(_truth(part) for part in parts)
    message = f"not a rule: {ast.unparse(node)}"
    raise ValueError(message)
