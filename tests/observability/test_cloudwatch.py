"""The rules of CloudWatch's alarms, held to the tables and examples of its user guide."""

from typing import Any

import pytest

from tests.observability.agent import Datum
from tests.observability.cloudwatch import Alarm, Metrics, State, Value, acts, composite, evaluate, state_of

OK, ALARM, INSUFFICIENT, RETAIN = "OK", "ALARM", "INSUFFICIENT_DATA", "retain"

# The two tables of "Configuring how CloudWatch alarms treat missing data": 0 within the threshold, X beyond it, - missing; then the states
# for `missing`, `ignore`, `breaching` and `notBreaching`.
THREE_OF_THREE = {
    "0 - X - X": (OK, OK, OK, OK),
    "0 - - - -": (OK, OK, OK, OK),
    "- - - - -": (INSUFFICIENT, RETAIN, ALARM, OK),
    "0 X X - X": (ALARM, ALARM, ALARM, ALARM),
    "- - - - X": (INSUFFICIENT, RETAIN, ALARM, OK),
    "X - - - -": (ALARM, RETAIN, ALARM, OK),
    "- - X - -": (ALARM, RETAIN, ALARM, OK),
}
TWO_OF_THREE = {
    "0 - X - X": (ALARM, ALARM, ALARM, ALARM),
    "0 0 X 0 X": (ALARM, ALARM, ALARM, ALARM),
    "0 - X - -": (OK, OK, ALARM, OK),
    "- - - - 0": (OK, OK, ALARM, OK),
    "- - - - X": (INSUFFICIENT, RETAIN, ALARM, OK),
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(
    ("needed", "row", "states"),
    [(needed, row, states) for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE)) for row, states in table.items()],
)
def test_missing_data_is_treated_as_the_user_guide_says(needed: int, row: str, states: tuple[str, ...], treatment: str) -> None:
    values: list[Value] = [{"0": 0.0, "X": 1.0, "-": None}[word] for word in row.split()]
    expected = states[TREATMENTS.index(treatment)]
    for before in State:
        found = state_of(values, lambda value: value > 0, alarm=needed, periods=3, missing=treatment, before=before)
        assert found == (before if expected == RETAIN else State(expected))


def samples(*values: float | None, name: str = "m", step: float = 60.0) -> list[Datum]:
    """One sample in the middle of each minute; None leaves a minute out."""
    return [Datum(at * step + 30, "shop", name, (), value) for at, value in enumerate(values) if value is not None]


def metric(name: str, stat: str = "Sum", period: int = 60) -> dict[str, Any]:
    return {"metric_name": name, "namespace": "shop", "dimensions": {}, "stat": stat, "period": period}


def alarm(**attributes: Any) -> Alarm:
    return Alarm({"alarm_name": "a", "comparison_operator": "GreaterThanThreshold", "evaluation_periods": 1, **attributes})


def test_an_alarm_looks_at_the_last_minutes_of_its_period_every_minute() -> None:
    metrics = Metrics()
    metrics.put(samples(0, 0, 0, 3, 3, 0, 0, 0, 0, 0))
    watched = alarm(threshold=5, treat_missing_data="notBreaching", **{**metric("m", period=300), "statistic": "Sum"})
    assert watched.history(metrics, 0, 600) == [(0, State.OK), (300, State.ALARM), (540, State.OK)]


def test_a_ratio_waits_for_enough_requests_and_for_its_periods() -> None:
    metrics = Metrics()
    metrics.put(samples(10, 10, 100, 100, 100, 100, name="requests"))
    metrics.put(samples(5, 5, 1, 10, 10, 0, name="errors"))
    queries = [
        {"id": "errors", "metric": [metric("errors")]},
        {"id": "requests", "metric": [metric("requests")]},
        {"id": "ratio", "expression": "IF(requests >= 20, 100 * errors / requests, 0)", "return_data": True},
    ]
    watched = alarm(threshold=5, metric_query=queries, evaluation_periods=2, datapoints_to_alarm=2)
    assert watched.values(metrics, 360)[-4:] == [1, 10, 10, 0]
    assert watched.history(metrics, 120, 360) == [(120, State.OK), (300, State.ALARM), (360, State.OK)]


def test_an_expression_may_use_another_that_stands_below_it() -> None:
    metrics = Metrics()
    metrics.put(samples(4))
    queries = [
        {"id": "double", "expression": "half * 4", "return_data": True},
        {"id": "half", "expression": "m / 2"},
        {"id": "m", "metric": [metric("m")]},
    ]
    assert alarm(threshold=0, metric_query=queries).values(metrics, 60)[-1] == 8


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("a + b", [3, None, None]),
        ("a / zero", [None, None, None]),
        ("FILL(b, 0)", [2, 0, 5]),
        ("FILL(b, REPEAT)", [2, 2, 5]),
        ("SUM([a, b])", [3, 1, 5]),
        ("MAX([a, b])", [2, 1, 5]),
        ("AVG([a, b])", [1.5, 1, 5]),
        ("IF(a > 0 && FILL(b, 0) < 1, 7, 8)", [8, 7, None]),
        ("IF(a > 5 OR b > 1, 1, 0)", [1, None, None]),
        ("-a + 2 ^ 3", [7, 7, None]),
        ("ABS(a - 3)", [2, 2, None]),
    ],
)
def test_metric_math(expression: str, values: list[float | None]) -> None:
    assert evaluate(expression, {"a": [1, 1, None], "b": [2, None, 5], "zero": [0, 0, 0]}, 3) == values


@pytest.mark.parametrize("expression", ["RATE(a)", "c", "SEARCH('x', 'Sum', 60)", "a if a else a", "'text'"])
def test_metric_math_that_is_not_known_is_refused_and_not_guessed(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        evaluate(expression, {"a": [1]}, 1)


@pytest.mark.parametrize(
    ("rule", "fires"),
    [
        ('ALARM("one") OR ALARM("two")', True),
        ("ALARM(one) AND NOT ALARM(two)", True),
        ("ALARM(arn:aws:cloudwatch:ap-southeast-1:111122223333:alarm:two)", False),
        ("(OK(two) AND TRUE) AND INSUFFICIENT_DATA(three)", True),
        ("ALARM(one)\n  AND ALARM(three)", False),
    ],
)
def test_a_composite_alarm_reads_the_states_of_others(rule: str, *, fires: bool) -> None:
    assert composite(rule, {"one": State.ALARM, "two": State.OK, "three": State.INSUFFICIENT_DATA}) is fires


@pytest.mark.parametrize(
    ("firing", "suppressed", "minutes"),
    [
        ("0111100", "0000000", [3]),  # the wait is over
        ("0100000", "0000000", []),  # recovered within the wait
        ("0111111", "0011111", []),  # suppressed within the wait, and as long as it lasts
        ("0111111111", "0011000000", [7]),  # three minutes after the suppressor has recovered
        ("0111111", "0000011", [3]),  # too late
        ("0111101111", "0000000000", [3, 8]),
    ],
)
def test_a_composite_alarm_waits_for_its_suppressor(firing: str, suppressed: str, minutes: list[int]) -> None:
    fires, silenced = ([sign == "1" for sign in row] for row in (firing, suppressed))
    assert acts(fires, silenced, wait=2, extension=3) == minutes
