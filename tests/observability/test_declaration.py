"""The metrics that the agent declares exist in the code, with types that it passes on, and as many as the catalogue states."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Renderer
from tests.observability.agent import Agent
from tests.observability.reference import Metric, metrics_of

WORKLOAD = yaml.safe_load((ROOT / "extensions/catalogue/workload.yaml").read_text(encoding="utf-8"))
STATISTICS = {"Average", "Maximum", "Minimum", "SampleCount", "Sum"}
# Labels, with the most values that a release has: what bounds the series of a scrape, and the size of its events.
BOUNDED = {"kind", "limit", "use", "service", "release", "python", "method", "route", "status"}


@pytest.fixture(scope="session")
def project(render: Renderer) -> Path:
    """A project with accounts of its own and the sample."""
    return render({})


@pytest.fixture(scope="session")
def metrics(project: Path) -> dict[str, Metric]:
    """All metrics of the application."""
    return metrics_of(project)


def selectors(agent: Agent) -> Iterator[str]:
    for declaration in agent.declarations:
        yield from declaration.selectors


def test_the_reference_has_rows_to_compare(metrics: dict[str, Metric]) -> None:
    assert len(metrics) > 30
    assert {metric.kind for metric in metrics.values()} == {"counter", "gauge", "histogram"}


def test_the_agent_declares_what_the_reference_has_a_statistic_for_and_nothing_else(metrics: dict[str, Metric]) -> None:
    agent = Agent.of()
    for metric in metrics.values():
        declared = [declaration for declaration in agent.declarations if declaration.selects(metric.name)]
        assert len(declared) == bool(metric.statistics), metric.name
    unused = [pattern for pattern in selectors(agent) if not any(re.search(pattern, name) for name in metrics)]
    assert unused == []
    assert all(pattern.startswith("^") and pattern.endswith("$") for pattern in selectors(agent))


def test_a_declared_metric_has_a_type_that_the_agent_passes_on(metrics: dict[str, Metric]) -> None:
    for metric in metrics.values():
        assert bool(metric.statistics) is (metric.kind in {"counter", "gauge"}), metric.name
        assert set(metric.statistics) <= STATISTICS
        # The agent sends counters to CloudWatch as differences; their sum is the count.
        assert (metric.statistics == ("Sum",)) is (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_total") is (metric.kind == "counter"), metric.name


def test_no_declared_metric_is_dropped_by_its_scrape(metrics: dict[str, Metric]) -> None:
    agent = Agent.of()
    for job in ("api", "worker"):
        dropped = {name for name, metric in metrics.items() if agent._dropped(job, name)}
        assert dropped == set()
        histograms = [metric.name for metric in metrics.values() if metric.kind == "histogram"]
        parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
        assert all(agent._dropped(job, name) for name in parts | {"python_info", "process_cpu_seconds_total", "http_requests_created"})


def test_dimensions_and_labels_are_bounded(metrics: dict[str, Metric]) -> None:
    assert {dimensions for declaration in Agent.of().declarations for dimensions in declaration.dimensions} == {("Environment",)}
    assert {label for metric in metrics.values() for label in metric.labels} <= BOUNDED


@pytest.mark.parametrize(("answers", "more"), [({}, "metrics.accounts"), ({"accounts": "remote"}, "")])
def test_the_catalogue_states_how_many_metrics_an_environment_has(render: Renderer, answers: dict[str, str], more: str) -> None:
    """CloudWatch bills each name with its dimensions."""
    agent = Agent.of()
    found = metrics_of(render(answers)).values()
    billed = sum(len(one.dimensions) for metric in found for one in agent.declarations if one.selects(metric.name))
    assert billed == WORKLOAD["metrics.own"] + (WORKLOAD[more] if more else 0)


def test_the_cost_model_counts_the_same_metrics() -> None:
    """It prices the larger number, that of a service with accounts of its own."""
    traffic = yaml.safe_load((ROOT / "extensions/catalogue/traffic.yaml").read_text(encoding="utf-8"))
    assert traffic["metrics"] == WORKLOAD["metrics.own"] + WORKLOAD["metrics.accounts"]


def exposition(project: Path, metrics: dict[str, Metric]) -> str:
    """A scrape as a process of the project answers it: each series once, by the kinds and limits that the sources declare."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (project / "src/app").rglob("*.py"))
    values = {
        "kind": {*re.findall(r'TaskKind\(\s*"([a-z.-]+)"', sources), "unknown"},
        "limit": set(re.findall(r'\bLimit\("([a-z-]+)"', sources)),
        "use": {"state", "cache"},
    }
    assert all(len(found) > 1 for found in values.values())
    lines = []
    for metric in metrics.values():
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        if metric.kind != "histogram":
            label = metric.labels[0] if metric.labels else ""
            series = [f'{{{label}="{one}"}}' for one in sorted(values.get(label, {"x" * 12}))] if label else [""]
            lines += [f"{metric.name}{labels} 12345.678" for labels in series]
    return "\n".join(lines) + "\n"


def test_the_catalogue_states_how_much_the_agent_logs(project: Path, metrics: dict[str, Metric]) -> None:
    """CloudWatch bills the bytes of log events, 26 more for each (the price list's rule of ingestion)."""
    agent, text = Agent.of(), exposition(project, metrics)
    agent.events("api", "10.0.100.100:8000", text, 0)
    events = agent.events("api", "10.0.100.100:8000", text, 30)
    size = sum(len(event.text.encode()) + 26 for event in events) * 60 / agent.interval
    assert len(events) > 10
    assert size == pytest.approx(WORKLOAD["metrics.bytes"], rel=0.1)
