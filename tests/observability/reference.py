"""docs/reference/metrics.md of a project, read: the one list of all metrics. The project's own tests hold it equal to the running code."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Metric:
    """One row. `statistics` are those to read in CloudWatch; none where the metric does not reach it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    statistics: tuple[str, ...]
    meaning: str


def metrics_of(project: Path) -> dict[str, Metric]:
    """The metrics of a rendered project by name."""
    text = (project / "docs/reference/metrics.md").read_text(encoding="utf-8")
    found = {}
    for name, kind, labels, statistics, meaning in re.findall(r"^\| `([a-z_]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|(.*)\|$", text, re.MULTILINE):
        found[name] = Metric(name, kind.strip(), _words(labels), _words(statistics), meaning.strip())
    return found


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split(",") if word.strip())
