"""The four ends of observability agree: code, agent, alarms and dashboards, runbooks and queries. And every alarm fires when it should."""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ROOT, Renderer
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.test_runbooks import pages
from tests.infrastructure.test_watch import alarms, composites
from tests.infrastructure.variants import EVERYTHING, VARIANTS, Case, cases
from tests.observability.agent import Agent, Datum
from tests.observability.cloudwatch import Alarm, Metrics, State, composite
from tests.observability.draw import draw
from tests.observability.reference import Metric, metrics_of
from tests.observability.series import Simulation

CASE = Case("startup", "service", "production")
SERVICES = [pytest.param(case, id=str(case)) for case in cases("service")]


@dataclass(frozen=True)
class Use:
    """One metric that an alarm or a widget reads."""

    place: str
    namespace: str
    name: str
    dimensions: tuple[str, ...]
    statistic: str


def of_alarms(plan: Plan) -> Iterator[Use]:
    for name, alarm in alarms(plan).items():
        if alarm["metric_name"]:
            yield Use(name, alarm["namespace"], alarm["metric_name"], tuple(sorted(alarm["dimensions"] or {})), alarm["statistic"])
        for query in alarm["metric_query"] or []:
            for metric in query["metric"]:
                yield Use(name, metric["namespace"], metric["metric_name"], tuple(sorted(metric["dimensions"] or {})), metric["stat"])


def widgets(plan: Plan) -> list[dict[str, Any]]:
    """Every widget of the plan's dashboard."""
    found: list[dict[str, Any]] = json.loads(plan.one("aws_cloudwatch_dashboard")["dashboard_body"])["widgets"]
    return found


def of_widgets(plan: Plan) -> Iterator[Use]:
    for widget in widgets(plan):
        for row in widget["properties"].get("metrics", []):
            words = [cell for cell in row if isinstance(cell, str)]
            options = next((cell for cell in row if isinstance(cell, dict)), {})
            if words:
                statistic = options.get("stat") or widget["properties"]["stat"]
                yield Use(widget["properties"]["title"], words[0], words[1], tuple(sorted(words[2::2])), statistic)


@dataclass(frozen=True)
class Ends:
    """The metrics, alarms, queries and runbooks of a project, for comparison with each other."""

    code: Mapping[str, Metric]
    agent: Agent
    uses: tuple[Use, ...]
    service: str
    events: frozenset[str]
    fields: frozenset[str]
    queries: Mapping[str, str]
    runbooks: Mapping[str, str]
    names: frozenset[str]
    """Alarms, saved queries and variables: what a runbook may name between backticks."""

    def gaps(self) -> list[str]:
        """Everything that one side uses and the other side lacks."""
        return [*self._metrics(), *self._queries(), *self._runbooks()]

    def _metrics(self) -> Iterator[str]:
        for use in self.uses:
            if use.namespace == self.service:
                metric = self.code.get(use.name)
                if metric is None:
                    yield f"{use.place}: the code has no {use.name}"
                elif use.statistic not in metric.statistics:
                    yield f"{use.place}: {use.name} is not read as {use.statistic}"
                declared = [declaration for declaration in self.agent.declarations if declaration.selects(use.name)]
                if not declared:
                    yield f"{use.place}: the agent does not declare {use.name}"
                elif use.dimensions not in {tuple(sorted(names)) for one in declared for names in one.dimensions}:
                    yield f"{use.place}: the agent declares {use.name} without {use.dimensions}"
        for name, metric in self.code.items():
            if metric.statistics and not any(one.selects(name) for one in self.agent.declarations):
                yield f"the agent does not declare {name}"

    def _queries(self) -> Iterator[str]:
        for name, query in self.queries.items():
            for used in set(re.findall(r"log_processed\.(\w+)", query)) - self.fields:
                yield f"{name}: no log line has {used}"
            if "log_processed.event" in query:
                for event in set(re.findall(r"'([^']+)'", query.partition("log_processed.event")[2].partition("|")[0])) - self.events:
                    yield f"{name}: nothing logs {event!r}"

    def _runbooks(self) -> Iterator[str]:
        for page, text in self.runbooks.items():
            for word in re.findall(r"`([a-z]+(?:[_-][a-z]+)+)`", text):
                if word not in self.names and word not in self.code:
                    yield f"{page}: there is no {word}"


# Fields that the logging adds: app.kit.logs, app.kit.context, and the worker's context of a task.
FIELDS = {"event", "exception", "kind", "level", "logger", "release", "request_id", "service", "task_id", "timestamp", "user_id"}
# Words in runbooks that are not names of this project.
FOREIGN = {"amazon-cloudwatch-observability", "ephemeral-storage", "pg_blocking_pids", "pg_stat_activity"}


def logged(project: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Events that the service's code logs, and the fields of their lines."""
    events, fields = set(), set(FIELDS)
    for path in (project / "src/app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                if node.func.value.id == "log" and node.args and isinstance(node.args[0], ast.Constant):
                    events.add(str(node.args[0].value))
                    fields |= {keyword.arg for keyword in node.keywords if keyword.arg}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "_reason":
                fields |= {
                    str(key.value)
                    for each in ast.walk(node)
                    if isinstance(each, ast.Dict)
                    for key in each.keys
                    if isinstance(key, ast.Constant)
                }
    return frozenset(events), frozenset(fields)


def ends_of(case: Case, plans: Planner, render: Renderer) -> Ends:
    """Every end of one environment."""
    project, plan = render(VARIANTS[case.variant]), plans(case)
    every = [plan] if case.joins else [plan, plans(replace(case, root="platform"))]
    prefix = f"{case.variant}/{case.environment}/"
    queries = {
        query["name"].removeprefix(prefix): query["query_string"] for each in every for query in each.of("aws_cloudwatch_query_definition")
    }
    shown = {widget["properties"]["title"]: widget["properties"]["query"] for widget in widgets(plan) if widget["type"] == "log"}
    code = (project / "infra").rglob("*.tf")
    words = {
        word
        for path in code
        for word in re.findall(r'variable "(\w+)"|^ +(\w+) += (?:optional|[\d.]+$)', path.read_text(encoding="utf-8"), re.MULTILINE)
        for word in word
    }
    pages_of = pages(project)
    events, fields = logged(project)
    names = (
        {name for each in every for name in (*alarms(each), *composites(each))}
        | {Path(page).stem for page in pages_of}
        | set(queries)
        | words
    )
    return Ends(
        code=metrics_of(project),
        agent=Agent.of(case.variant, case.environment, project / "deploy/components/metrics/agent.yaml"),
        uses=tuple(use for each in every for use in (*of_alarms(each), *of_widgets(each))),
        service=case.variant,
        events=events,
        fields=fields,
        queries={**queries, **shown},
        runbooks=pages_of,
        names=frozenset(names | FOREIGN),
    )


@pytest.mark.parametrize("case", SERVICES)
def test_the_ends_agree(case: Case, plans: Planner, render: Renderer) -> None:
    ends = ends_of(case, plans, render)
    assert sum(use.namespace == case.variant for use in ends.uses) > 60
    assert len(ends.events) > 30
    assert ends.gaps() == []


def without(agent: Agent, name: str) -> Agent:
    """An agent that does not declare a metric."""
    configuration = json.loads(json.dumps(agent.configuration))
    (declaration,) = configuration["logs"]["metrics_collected"]["prometheus"]["emf_processor"]["metric_declaration"]
    declaration["metric_selectors"] = [pattern for pattern in declaration["metric_selectors"] if not re.search(pattern, name)]
    return Agent(configuration, agent.scrapes)


def used(ends: Ends, place: str, **change: Any) -> Ends:
    """Ends of which the uses at one place are changed."""
    assert any(use.place == place for use in ends.uses)
    return replace(ends, uses=tuple(replace(use, **change) if use.place == place else use for use in ends.uses))


BREAKS: dict[str, tuple[Callable[[Ends], Ends], str]] = {
    "the code loses a metric": (
        lambda ends: replace(ends, code={name: metric for name, metric in ends.code.items() if name != "tasks_dead_total"}),
        "dead-tasks: the code has no tasks_dead_total",
    ),
    "the agent loses a metric": (
        lambda ends: replace(ends, agent=without(ends.agent, "tasks_due_seconds")),
        "oldest-task: the agent does not declare tasks_due_seconds",
    ),
    "an alarm reads another name": (
        lambda ends: used(ends, "dead-tasks", name="tasks_deceased_total"),
        "dead-tasks: the code has no tasks_deceased_total",
    ),
    "an alarm reads another dimension": (
        lambda ends: used(ends, "dead-tasks", dimensions=("Environment", "Kind")),
        "dead-tasks: the agent declares tasks_dead_total without ('Environment', 'Kind')",
    ),
    "an alarm reads the average of a counter": (
        lambda ends: used(ends, "dead-tasks", statistic="Average"),
        "dead-tasks: tasks_dead_total is not read as Average",
    ),
    "a widget reads another name": (
        lambda ends: used(ends, "Requests in flight", name="http_requests_flying"),
        "Requests in flight: the agent does not declare http_requests_flying",
    ),
    "a query reads a field that no line has": (
        lambda ends: replace(ends, queries={**ends.queries, "x": "filter log_processed.colour = 'red'"}),
        "x: no log line has colour",
    ),
    "a query looks for an event that nothing logs": (
        lambda ends: replace(ends, queries={**ends.queries, "x": "filter log_processed.event = 'request fled'"}),
        "x: nothing logs 'request fled'",
    ),
    "a runbook names an alarm that does not exist": (
        lambda ends: replace(ends, runbooks={"x.md": "See `database-gone`."}),
        "x.md: there is no database-gone",
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_break_at_one_end_is_found(broken: str, plans: Planner, render: Renderer) -> None:
    change, gap = BREAKS[broken]
    assert gap in change(ends_of(CASE, plans, render)).gaps()


# Faults: minutes of a series that has to fire, and of the strongest series that must not. Requests are 100 a minute unless said otherwise.
TRAFFIC = {"http_requests_total": 100.0}
FAULTS: dict[str, tuple[dict[str, float], int, dict[str, float], int]] = {
    "errors": (TRAFFIC | {"http_server_errors_total": 6}, 5, TRAFFIC | {"http_server_errors_total": 5}, 5),
    "slow-requests": (TRAFFIC | {"http_slow_requests_total": 6}, 5, TRAFFIC | {"http_slow_requests_total": 5}, 5),
    "dead-tasks": ({"tasks_dead_total": 1}, 1, {"tasks_failed_total": 5}, 5),
    "oldest-task": ({"tasks_due_seconds": 301}, 5, {"tasks_due_seconds": 300}, 5),
    "login-failures": (
        {"logins_failed_total": 4, "logins_succeeded_total": 16},
        5,
        {"logins_failed_total": 3.8, "logins_succeeded_total": 0},
        5,
    ),
    "database-unreachable": ({"database_connection_errors_total": 1}, 3, {"database_connection_errors_total": 1}, 2),
    "redis-unreachable": ({"redis_circuit_open": 1}, 3, {"redis_circuit_open": 1}, 2),
    "pool-exhausted": (
        {"database_pool_in_use": 10, "database_pool_size": 10},
        5,
        {"database_pool_in_use": 9, "database_pool_size": 10},
        5,
    ),
}


@pytest.fixture(scope="module")
def watching(plans: Planner) -> dict[str, Alarm]:
    """The alarms of a service, without the names of service and environment."""
    return {name: Alarm(resource.values) for name, resource in alarms(plans(CASE)).items()}


@pytest.fixture(scope="module")
def known(render: Renderer) -> dict[str, Metric]:
    return metrics_of(render(VARIANTS[CASE.variant]))


def simulation(known: dict[str, Metric]) -> Simulation:
    """A service that has run for ten quiet minutes."""
    made = Simulation(known, agent=Agent.of(CASE.variant, CASE.environment))
    made.run(10)
    return made


@pytest.mark.parametrize("fault", FAULTS)
def test_an_alarm_fires_at_its_threshold_and_recovers(fault: str, watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    service, (values, minutes, _, _) = simulation(known), FAULTS[fault]
    service.run(minutes, values)
    service.run(20)
    states = [state for _, state in watching[fault].history(service.metrics, 120, service.now)]
    assert states == [State.OK, State.ALARM, State.OK]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_alarm_does_not_fire_below_its_threshold(fault: str, watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    service, (_, _, values, minutes) = simulation(known), FAULTS[fault]
    service.run(minutes, values)
    service.run(20)
    assert [state for _, state in watching[fault].history(service.metrics, 120, service.now)] == [State.OK]


def test_a_few_requests_are_not_a_ratio(watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    service = simulation(known)
    service.run(10, {"http_requests_total": 3, "http_server_errors_total": 3, "http_slow_requests_total": 3})
    for name in ("errors", "slow-requests"):
        assert [state for _, state in watching[name].history(service.metrics, 120, service.now)] == [State.OK]


def test_a_few_wrong_passwords_among_many_right_ones_are_normal(watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    service = simulation(known)
    service.run(10, {"logins_failed_total": 19, "logins_succeeded_total": 81})
    assert [state for _, state in watching["login-failures"].history(service.metrics, 120, service.now)] == [State.OK]


@pytest.mark.parametrize(("speed", "percent", "minutes"), [("fast", 1.44, 60), ("slow", 0.6, 360)])
def test_a_burn_needs_both_windows_and_its_rate(
    speed: str, percent: float, minutes: int, watching: dict[str, Alarm], known: dict[str, Metric]
) -> None:
    """Objectives of 99.9 %: the budget of a month lasts two days at 1.44 %, and five days at 0.6 %."""
    parts = [name for name in watching if name.startswith(f"availability-{speed}")]
    assert len(parts) == 2
    for factor, expected in ((1.02, State.ALARM), (0.98, State.OK)):
        service = simulation(known)
        service.run(minutes + 2, {"http_requests_total": 1000, "http_server_errors_total": 10 * percent * factor})
        assert {watching[name].state(service.metrics, service.now) for name in parts} == {expected}
    service.run(minutes // 10, {"http_requests_total": 1000})
    states = {name: watching[name].state(service.metrics, service.now) for name in parts}
    assert State.OK in states.values(), "the short window has recovered"


def test_silence_is_noticed(watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    service = simulation(known)
    end = service.silence(20)
    assert [state for _, state in watching["silent"].history(service.metrics, 120, end)] == [State.OK, State.INSUFFICIENT_DATA]
    assert watching["silent"].attributes["treat_missing_data"] == "missing"


def test_a_quiet_newborn_service_fires_nothing(plans: Planner, watching: dict[str, Alarm], known: dict[str, Metric]) -> None:
    """Neither before the first release, when no metric exists, nor in its first half hour without a request."""
    unborn, newborn = Metrics(), Simulation(known, agent=Agent.of(CASE.variant, CASE.environment))
    newborn.run(30)
    for metrics in (unborn, newborn.metrics):
        states = {}
        for name, alarm in watching.items():
            changes = [state for _, state in alarm.history(metrics, 60, 1800)]
            assert State.ALARM not in changes, name
            # A change into INSUFFICIENT_DATA sends a message. An alarm starts in that state without a change.
            assert State.INSUFFICIENT_DATA not in changes[1:], name
            states[str(alarm.name)] = changes[-1]
        for name, combined in composites(plans(CASE)).items():
            assert not composite(combined["alarm_rule"], states), name


def test_every_alarm_on_one_metric_fires_beyond_its_threshold_and_not_at_it(plans: Planner) -> None:
    """Nodes, database, cache, pods, certificate and backups: one sample a minute beyond the threshold, at it, and beyond it again."""
    tried = 0
    for root in ("platform", "service"):
        for name, resource in alarms(plans(Case(EVERYTHING, root, "production"))).items():
            alarm = Alarm(resource.values)
            if not resource["metric_name"] or resource["statistic"] == "SampleCount" or not resource["dimensions"]:
                continue
            sign = 1 if alarm.attributes["comparison_operator"].startswith("Greater") else -1
            step = 0 if "OrEqual" in alarm.attributes["comparison_operator"] else sign
            beyond, within = resource["threshold"] + step, resource["threshold"] - (sign if step == 0 else 0)
            length = int(alarm.period * (alarm.periods + 4))
            if resource["statistic"] == "Sum":  # one sample per period
                beyond, within = (value / (alarm.period / 60) for value in (beyond, within))
            for value, expected in ((beyond, State.ALARM), (within, State.OK)):
                metrics = Metrics()
                dimensions = tuple(sorted(resource["dimensions"].items()))
                metrics.put(Datum(at + 1, resource["namespace"], resource["metric_name"], dimensions, value) for at in range(0, length, 60))
                assert alarm.state(metrics, length) == expected, (name, value)
            tried += 1
    assert tried > 20


def test_the_picture_of_the_dashboard_shows_every_widget(plans: Planner) -> None:
    """`python -m tests.observability.draw` draws it again after a change: its module tells how."""
    picture = ROOT / "docs/images/dashboard-service.svg"
    drawn = re.findall(r"<text [^>]*>([^<]+)</text>", picture.read_text(encoding="utf-8"))
    body = json.loads(plans(Case(EVERYTHING, "service", "production")).one("aws_cloudwatch_dashboard")["dashboard_body"])
    titles = {widget["properties"].get("title") or widget["properties"]["markdown"].removeprefix("## ") for widget in body["widgets"]}
    assert len(titles) > 8
    assert titles - {unescape(words) for words in drawn} == set()
    assert draw(body["widgets"]).startswith("<svg")
