"""Series of a service over simulated minutes, as the agent sends them: for alarms to be tried on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.observability.agent import Agent
from tests.observability.cloudwatch import MINUTE, Metrics
from tests.observability.reference import Metric

Values = Mapping[str, float]
"""Metrics by name: what a counter grows by in a minute, and what a gauge shows."""


@dataclass
class Simulation:
    """One API and one worker, scraped by the agent twice a minute. Metrics that no minute names stay at 0, as in a fresh process."""

    known: Mapping[str, Metric]
    agent: Agent = field(default_factory=Agent.of)
    metrics: Metrics = field(default_factory=Metrics)
    minute: int = 0
    _counted: dict[str, float] = field(default_factory=dict)

    def run(self, minutes: int, values: Values | Callable[[int], Values] | None = None) -> float:
        """Let minutes pass; counters grow evenly within a minute. Return the time at their end, in seconds."""
        for number in range(minutes):
            shown = values(number) if callable(values) else (values or {})
            assert set(shown) <= set(self.known), set(shown) - set(self.known)
            for half in (0, 1):
                at = self.minute * MINUTE + half * MINUTE / 2
                for name, value in shown.items():
                    if self.known[name].kind == "counter":
                        self._counted[name] = self._counted.get(name, 0) + value / 2
                gauges = {name: value for name, value in shown.items() if self.known[name].kind == "gauge"}
                for job, instance in (("api", "10.0.0.1:8000"), ("worker", "10.0.0.2:8001")):
                    # Only one process counts, so that the sum over both is the requested value.
                    text = self._text({**self._counted, **gauges} if job == "api" else gauges)
                    self.metrics.put(self.agent.scrape(job, instance, text, at + 1))
            self.minute += 1
        return self.now

    @property
    def now(self) -> float:
        """The present, in seconds."""
        return self.minute * MINUTE

    def silence(self, minutes: int) -> float:
        """Let minutes pass without a scrape."""
        self.minute += minutes
        return self.now

    def _text(self, values: Values) -> str:
        lines = []
        for metric in self.known.values():
            if metric.kind != "histogram":
                labels = ",".join(f'{label}="x"' for label in metric.labels)
                series = f"{{{labels}}}" if labels else ""
                lines += [f"# TYPE {metric.name} {metric.kind}", f"{metric.name}{series} {values.get(metric.name, 0)}"]
        return "\n".join(lines) + "\n"
