"""The agent's arithmetic, rule by rule, as `agent.py` cites it."""

import json
import re

import pytest

from tests.observability.agent import Agent, Datum, parse


def exposition(*, counter: float | str = 0, gauge: float = 0, kind: str | None = None) -> str:
    labels = f'{{kind="{kind}"}}' if kind else ""
    return f"# TYPE tasks_dead_total counter\ntasks_dead_total{labels} {counter}\n# TYPE tasks_due gauge\ntasks_due {gauge}\n"


def sent(data: list[Datum], name: str) -> list[float]:
    return [datum.value for datum in data if datum.name == name]


@pytest.fixture
def agent() -> Agent:
    """A newly started agent, by the template's manifest."""
    return Agent.of("shop", "production")


def counted(agent: Agent, *values: float | str, instance: str = "10.0.0.1:8001", begin: int = 0) -> list[list[float]]:
    """The values that each scrape of a counter sends."""
    return [
        sent(agent.scrape("worker", instance, exposition(counter=value), at), "tasks_dead_total")
        for at, value in zip(range(begin, begin + 30 * len(values), 30), values, strict=True)
    ]


def test_a_counter_is_sent_as_its_difference_and_its_first_value_is_not(agent: Agent) -> None:
    assert counted(agent, 5, 5, 7, 10) == [[], [0], [2], [3]]


def test_a_reset_sends_what_was_counted_since(agent: Agent) -> None:
    assert counted(agent, 5, 7, 3) == [[], [2], [3]]


def test_a_restart_that_overtakes_the_old_value_loses_it(agent: Agent) -> None:
    assert counted(agent, 2, 3) == [[], [1]]


def test_another_pod_is_another_series(agent: Agent) -> None:
    assert counted(agent, 5, 6) == [[], [1]]
    assert counted(agent, 2, 4, instance="10.0.0.2:8001") == [[], [2]]


def test_a_scrape_that_failed_makes_the_next_value_a_first_one(agent: Agent) -> None:
    counted(agent, 5, 6)
    agent.miss("worker", "10.0.0.1:8001")
    assert counted(agent, 9, 10, begin=90) == [[], [1]]


def test_a_series_that_appears_with_its_first_count_loses_that_count(agent: Agent) -> None:
    """The reason why the application makes its series when it starts."""
    agent.scrape("worker", "10.0.0.1:8001", exposition(), 0)
    assert sent(agent.scrape("worker", "10.0.0.1:8001", exposition(counter=1, kind="mail.send"), 30), "tasks_dead_total") == []


def test_what_is_no_number_is_not_sent_and_forgets_the_value_before(agent: Agent) -> None:
    assert counted(agent, 1, "NaN", 3, 4) == [[], [], [], [1]]


def test_a_value_is_forgotten_after_five_minutes(agent: Agent) -> None:
    assert counted(agent, 1, 2) == [[], [1]]
    text = exposition(counter=9)
    assert sent(agent.scrape("worker", "10.0.0.1:8001", text, 400), "tasks_dead_total") == [7]
    agent._targets["worker", "10.0.0.1:8001"].cleaned = 0
    agent._targets["worker", "10.0.0.1:8001"]._clean(800)
    assert sent(agent.scrape("worker", "10.0.0.1:8001", text, 801), "tasks_dead_total") == []


def test_a_gauge_is_sent_unchanged_and_a_histogram_is_not(agent: Agent) -> None:
    histogram = "# TYPE task_seconds histogram\n" + "".join(f"task_seconds_{end} 1\n" for end in ('bucket{le="1"}', "sum", "count"))
    data = agent.scrape("worker", "10.0.0.1:8001", exposition(gauge=4) + histogram, 30)
    assert {datum.name for datum in data} == {"tasks_due"}
    assert data == [Datum(30, "shop", "tasks_due", (("Environment", "production"),), 4)]


def test_labels_that_are_no_dimension_are_summed_by_cloudwatch(agent: Agent) -> None:
    for at, (mail, other) in enumerate([(0, 0), (2, 3)]):
        text = f'# TYPE tasks_dead_total counter\ntasks_dead_total{{kind="mail"}} {mail}\ntasks_dead_total{{kind="other"}} {other}\n'
        data = agent.scrape("worker", "10.0.0.1:8001", text, 30 * at)
    assert sorted(sent(data, "tasks_dead_total")) == [2, 3]
    assert {datum.dimensions for datum in data} == {(("Environment", "production"),)}


def test_one_event_holds_what_has_the_same_labels_and_type(agent: Agent) -> None:
    text = exposition() + "# TYPE tasks_due_seconds gauge\ntasks_due_seconds 7\n"
    agent.events("worker", "10.0.0.1:8001", text, 0)
    events = agent.events("worker", "10.0.0.1:8001", text, 30)
    assert sorted(sorted(event.values) for event in events) == [["tasks_dead_total"], ["tasks_due", "tasks_due_seconds"]]
    written = json.loads(next(event.text for event in events if "tasks_due" in event.values))
    assert written["CloudWatchMetrics"][0]["Dimensions"] == [["Environment"]]
    assert (written["tasks_due_seconds"], written["job"], written["instance"]) == (7, "worker", "10.0.0.1:8001")
    assert written["ClusterName"] == "shop-production"


def test_a_metric_that_nobody_declared_is_logged_and_no_metric(agent: Agent) -> None:
    (event,) = agent.events("worker", "10.0.0.1:8001", "# TYPE beans gauge\nbeans 3\n", 0)
    assert (event.data, event.values) == ([], {"beans": 3})
    assert not re.search("CloudWatchMetrics", event.text)


def test_label_values_may_hold_any_character() -> None:
    (series,) = parse('# TYPE x counter\nx_total{a="b\\"c\\\\d\\ne,f=}"} 1e3\n')
    assert (series.labels, series.kind, series.value) == ((("a", 'b"c\\d\ne,f=}'),), "counter", 1000)
