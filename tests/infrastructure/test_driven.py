"""Every alarm is driven by series: it fires beyond its threshold, not within it, recovers, and treats missing data as declared.

The limit of each alarm is searched for with its own expression, so no threshold is written here a second time. `test_observability` drives
the application's alarms with the agent's samples, and `tests/observability/test_game_day.py` with those of a running service.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infrastructure.terraform import Planner
from tests.infrastructure.test_watch import alarms
from tests.infrastructure.variants import EVERYTHING, Case
from tests.observability.agent import Datum
from tests.observability.cloudwatch import MINUTE, Alarm, Metrics, State

CASES = [Case(EVERYTHING, "platform", "production"), Case(EVERYTHING, "service", "production"), Case("startup", "service", "production")]

BASES = {"requests": 1000.0, "succeeded": 100.0, "size": 10.0}
"""Values of the other series of an expression: a ratio needs a whole to be a share of."""

HIGHEST = 1e13
STEPS = 80
"""Halvings of the search: enough for the limits between 0 and HIGHEST to be exact to a millionth."""

AFTER_SILENCE = {
    "notBreaching": State.OK,
    "missing": State.INSUFFICIENT_DATA,
    "breaching": State.ALARM,
}


@dataclass(frozen=True)
class Driver:
    """One alarm, and the one series of its metrics that is varied."""

    alarm: Alarm

    @property
    def read(self) -> dict[str, Mapping[str, Any]]:
        """The metrics that it reads, by the name in its expression."""
        queries = [query for query in self.alarm.attributes.get("metric_query") or [] if query.get("metric")]
        return {query["id"]: query["metric"][0] for query in queries} or {"m": self.alarm.attributes}

    @property
    def beats(self) -> bool:
        """Whether the alarm counts samples, which cannot be too few without being absent."""
        return any((metric.get("statistic") or metric.get("stat")) == "SampleCount" for metric in self.read.values())

    def samples(self, number: int, value: float) -> Iterator[Datum]:
        """The samples of one period, so that every window of that length contains exactly one."""
        for name, metric in self.read.items():
            dimensions = tuple(sorted((metric.get("dimensions") or {}).items()))
            shown = BASES.get(name, value)
            yield Datum(number * self.alarm.period + 1, metric["namespace"], metric["metric_name"], dimensions, shown)

    def breaches(self, value: float) -> bool:
        """Whether a steady value is beyond the threshold."""
        metrics = Metrics()
        metrics.put(self.samples(0, value))
        found = self.alarm.values(metrics, self.alarm.period)[-1]
        return found is not None and self.alarm.breaches(found)

    def limit(self) -> tuple[float, float]:
        """The values next to the threshold: the weakest that breaches, and the strongest that does not."""
        low, high = 0.0, HIGHEST
        below = self.breaches(low)
        assert below != self.breaches(high), "it breaches always, or never"
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.breaches(middle) == below else (low, middle)
        return (low, high) if below else (high, low)

    def states(self, values: Sequence[float | None]) -> list[tuple[float, State]]:
        """The changes of state over periods, each with a value or without one."""
        metrics = Metrics()
        for number, value in enumerate(values):
            if value is not None:
                metrics.put(self.samples(number, value))
        return self.alarm.history(metrics, self.alarm.period, len(values) * self.alarm.period)


def drivers(case: Case, plans: Planner) -> dict[str, Driver]:
    return {name: Driver(Alarm(resource.values)) for name, resource in alarms(plans(case)).items()}


@pytest.fixture(params=CASES, ids=str)
def driven(plans: Planner, request: pytest.FixtureRequest) -> dict[str, Driver]:
    """The alarms of a plan."""
    found = drivers(request.param, plans)
    assert len(found) > 6
    return found


def test_every_alarm_fires_beyond_its_threshold_and_recovers(driven: dict[str, Driver]) -> None:
    for name, driver in driven.items():
        if not driver.beats:
            beyond, within = driver.limit()
            calm = [within] * (driver.alarm.periods + 2)
            changes = driver.states([*calm, *[beyond] * driver.alarm.to_alarm, *calm])
            assert [state for _, state in changes] == [State.OK, State.ALARM, State.OK], name
            fires = next(moment for moment, state in changes if state is State.ALARM)
            assert fires <= (len(calm) + driver.alarm.to_alarm) * driver.alarm.period, f"{name} fires late"


def test_no_alarm_fires_within_its_threshold_or_before_its_periods(driven: dict[str, Driver]) -> None:
    for name, driver in driven.items():
        if not driver.beats:
            beyond, within = driver.limit()
            calm = [within] * (driver.alarm.periods + 2)
            short = [beyond] * (driver.alarm.to_alarm - 1)
            assert driver.states([*calm, *short, *calm]) == [(driver.alarm.period, State.OK)], name


def test_missing_data_are_treated_as_declared(driven: dict[str, Driver]) -> None:
    for name, driver in driven.items():
        value = 1.0 if driver.beats else driver.limit()[1]
        silence: list[float | None] = [None] * (driver.alarm.periods + 3)
        changes = driver.states([*[value] * (driver.alarm.periods + 2), *silence])
        treatment = driver.alarm.attributes["treat_missing_data"]
        assert changes[0][1] is State.OK, name
        assert changes[-1][1] is AFTER_SILENCE.get(treatment, State.OK), name


def test_a_backup_a_day_is_enough_and_a_day_without_one_is_noticed(plans: Planner) -> None:
    """One event a day, and nothing in the hours between."""
    driver = drivers(CASES[1], plans)["backup"]
    day: list[float | None] = [1.0, *[None] * 23]
    assert [state for _, state in driver.states([*day, *day, *day, 1.0])] == [State.OK]
    changes = driver.states([*day, *day, *[None] * 24])
    assert [state for _, state in changes] == [State.OK, State.INSUFFICIENT_DATA]
    hours = (changes[-1][0] - 24 * driver.alarm.period) / 3600
    assert 26 <= hours <= 30


def test_a_replica_that_does_not_replicate_is_beyond_every_lag(plans: Planner) -> None:
    driver = drivers(CASES[1], plans)["read-replica-lag"]
    assert driver.breaches(-1)
    assert [state for _, state in driver.states([0.0] * 17 + [-1.0] * 15)] == [State.OK, State.ALARM]


def test_the_windows_of_a_minute_slide(plans: Planner) -> None:
    """An alarm over five minutes is evaluated each minute, so it fires in the minute of its fifth value."""
    driver = drivers(CASES[2], plans)["oldest-task"]
    beyond, within = driver.limit()
    changes = driver.states([within] * 7 + [beyond] * 10)
    assert changes == [(MINUTE, State.OK), (12 * MINUTE, State.ALARM)]
