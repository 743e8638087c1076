"""The arithmetic of the CloudWatch agent: scrapes in, CloudWatch samples out.

The image that deploy/components/metrics/agent.yaml pins is release 1.300070.0 of https://github.com/aws/amazon-cloudwatch-agent (tag
v1.300070.0, commit 355cbf2). With `logs.metrics_collected.prometheus` its own receiver scrapes, and OpenTelemetry's EMF exporter writes
(translator/translate/otel/pipeline/prometheus/translator.go). The rules below, each with its file at that tag:

1. Gauges, counters and summaries pass. Histograms and untyped series are dropped, whose type is that of the `# TYPE` line
   (plugins/inputs/prometheus/metrics_filter.go, metrics_type_handler.go).
2. A gauge passes unchanged, unless it is NaN or infinite (calculator.go).
3. A counter becomes the difference to the scrape before. Its first value is kept for that and not sent. A value below the one before is a
   reset, and is sent whole (delta_calculator.go). The key is the name with all labels, `job` and `instance` among them (utils.go): another
   pod is another series, and a container that restarts in its pod is the same one, with a reset.
4. NaN forgets the value before. Prometheus appends it, as its staleness marker, for a series or a target that is gone; so a target that
   missed a scrape starts again with rule 3's first value (delta_calculator.go, isValueValid in metrics_receiver.go).
5. A value that is five minutes old is forgotten, looked for once a minute after each calculation (CacheTTL, CleanUpTimeThreshold).
6. Series of one scrape with the same labels and type become one log event, with the scrape's time (mergeMetrics in utils.go; the type is
   the label `prom_metric_type`). They are gauges from here on (AddFields in receiver/adapter/accumulator), so the exporter computes no
   second difference.
7. The exporter makes metrics of the names that a declaration with matching labels selects, with the dimensions of that declaration alone.
   Other labels stay in the event: CloudWatch sums them up (exporter/awsemfexporter/metric_translator.go of
   amazon-contributing/opentelemetry-collector-contrib, groupedMetricToCWMeasurementsWithFilters). Other names are logged, and billed by
   the byte; so what nothing reads is dropped by the scrape's `metric_relabel_configs`.

Left out: the batch of 30 s and the flush of 5 s, by which a sample reaches CloudWatch later, under its own time.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.harness import ROOT

MANIFEST = ROOT / "template/deploy/components/metrics/agent.yaml"
TTL = 300.0
CLEANUP = 60.0

Labels = tuple[tuple[str, str], ...]

_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+\d+)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a scrape. `kind` is the type of its family: counter, gauge, histogram, summary or untyped."""

    name: str
    labels: Labels
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Datum:
    """One value that reaches CloudWatch."""

    time: float
    namespace: str
    name: str
    dimensions: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the log group: what CloudWatch bills by the byte, and reads metrics from."""

    time: float
    labels: Mapping[str, str]
    values: Mapping[str, float]
    declared: tuple[tuple[Labels, str], ...]
    namespace: str

    @property
    def data(self) -> list[Datum]:
        """Its metrics."""
        return [Datum(self.time, self.namespace, name, dimensions, self.values[name]) for dimensions, name in self.declared]

    @property
    def text(self) -> str:
        """The event as the exporter writes it, in version 0 of the embedded metric format."""
        metrics = [{"Name": name, "StorageResolution": 60} for _, name in self.declared]
        dimensions = sorted({tuple(name for name, _ in pairs) for pairs, _ in self.declared})
        measured = [{"Namespace": self.namespace, "Dimensions": dimensions, "Metrics": metrics}]
        head = {"CloudWatchMetrics": measured} if metrics else {}
        fields = {**self.labels, **self.values, "Version": "0", "Timestamp": str(round(self.time * 1000))}
        return json.dumps({**head, **fields}, separators=(",", ":"))


def parse(text: str) -> Iterator[Series]:
    """The series of a scrape in Prometheus' text format, as `/metrics` answers."""
    kinds: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            kinds[name] = kind
        elif line and not line.startswith("#"):
            sample = _SAMPLE.fullmatch(line)
            if sample is None:
                message = f"not a sample: {line!r}"
                raise ValueError(message)
            yield Series(sample["name"], _labels(sample["labels"] or ""), _kind(sample["name"], kinds), float(sample["value"]))


def _labels(text: str) -> Labels:
    return tuple(sorted((name, re.sub(r'\\[\\"n]', lambda found: _ESCAPES[found[0]], value)) for name, value in _LABEL.findall(text)))


def _kind(name: str, kinds: Mapping[str, str]) -> str:
    """The type of a sample's family. The first name is looked up without the suffixes of histograms, as the agent does."""
    family = re.sub(r"(?<=.)_(count|sum|bucket)$", "", name)
    return kinds.get(family) or kinds.get(name) or kinds.get(name.removesuffix("_total")) or "untyped"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The rule for what becomes a metric: names by pattern, for events with the labels, and the sets of dimensions."""

    source_labels: tuple[str, ...]
    label_matcher: str
    selectors: tuple[str, ...]
    dimensions: tuple[tuple[str, ...], ...]

    def selects(self, name: str) -> bool:
        """Whether a metric of that name is made, where the labels match."""
        return any(re.search(pattern, name) for pattern in self.selectors)

    def match(self, labels: Mapping[str, str], name: str) -> list[Labels]:
        """The dimensions, with values, of a metric; none where it is not declared, or lacks one of them."""
        joined = ";".join(labels.get(label, "") for label in self.source_labels)
        if not self.selects(name) or not re.search(self.label_matcher, joined):
            return []
        return [tuple((key, labels[key]) for key in keys) for keys in self.dimensions if set(keys) <= set(labels)]


def manifest_variables(service: str, environment: str, manifest: Path = MANIFEST) -> dict[str, str]:
    """The container's variables in the manifest, with $(…) put in as the kubelet does."""
    manifests = [part for part in yaml.safe_load_all(manifest.read_text(encoding="utf-8")) if part["kind"] == "Deployment"]
    known = {"SERVICE": service, "ENVIRONMENT": environment}
    for variable in manifests[0]["spec"]["template"]["spec"]["containers"][0]["env"]:
        if "value" in variable:
            known[variable["name"]] = re.sub(r"\$\(([A-Z_]+)\)", lambda name: known[name[1]], variable["value"])
    return known


_Key = tuple[str, Labels]


@dataclass
class _Target:
    """The memory of one target: the last value of each counter with its time, and the series of the last scrape."""

    before: dict[_Key, tuple[float, float]] = field(default_factory=dict)
    seen: set[_Key] = field(default_factory=set)
    cleaned: float = 0.0

    def show(self, present: set[_Key]) -> None:
        """Note the series of a scrape; those that are gone get a staleness marker."""
        for key in self.seen - present:
            self.before.pop(key, None)
        self.seen = present

    def value(self, series: Series, at: float) -> float | None:
        """The value that is sent for a series, if one is."""
        key = (series.name, series.labels)
        if series.kind not in {"gauge", "counter", "summary"}:
            return None
        if not math.isfinite(series.value):
            self.before.pop(key, None)
            return None
        if series.kind == "gauge" or (series.kind == "summary" and not series.name.endswith(("_count", "_sum"))):
            return series.value
        before = self.before.get(key)
        self._clean(at)
        self.before[key] = (series.value, at)
        if before is None:
            return None
        return series.value - before[0] if series.value >= before[0] else series.value

    def _clean(self, at: float) -> None:
        if at - self.cleaned >= CLEANUP:
            self.before = {key: kept for key, kept in self.before.items() if at - kept[1] < TTL}
            self.cleaned = at


@dataclass
class Agent:
    """The agent of one service and environment. Call `scrape` as often as the agent scrapes; each instance has its own memory."""

    configuration: Mapping[str, Any]
    scrapes: Mapping[str, Any]
    _targets: dict[tuple[str, str], _Target] = field(default_factory=dict)

    @classmethod
    def of(cls, service: str = "shop", environment: str = "production", manifest: Path = MANIFEST) -> "Agent":
        """The agent that a manifest describes: the template's, or a rendered project's deploy/components/metrics/agent.yaml."""
        variables = manifest_variables(service, environment, manifest)
        return cls(json.loads(variables["CW_CONFIG_CONTENT"]), yaml.safe_load(variables["PROMETHEUS_CONFIG_CONTENT"]))

    @property
    def interval(self) -> float:
        """Seconds between two scrapes."""
        return float(str(self.scrapes["global"]["scrape_interval"]).removesuffix("s"))

    @property
    def namespace(self) -> str:
        """The namespace of the metrics."""
        return str(self._processor["metric_namespace"])

    @property
    def declarations(self) -> list[Declaration]:
        """The metrics that it makes."""
        return [
            Declaration(
                tuple(row["source_labels"]),
                row.get("label_matcher", ".*"),
                tuple(row["metric_selectors"]),
                tuple(map(tuple, row["dimensions"])),
            )
            for row in self._processor["metric_declaration"]
        ]

    @property
    def _processor(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.configuration["logs"]["metrics_collected"]["prometheus"]["emf_processor"]
        return found

    def scrape(self, job: str, instance: str, text: str, at: float) -> list[Datum]:
        """The values that one scrape of a target sends. `at` is its time in seconds."""
        return [datum for event in self.events(job, instance, text, at) for datum in event.data]

    def events(self, job: str, instance: str, text: str, at: float) -> list[Event]:
        """The log events of one scrape of a target."""
        added = dict(self._target_labels(job), job=job, instance=instance)
        target = self._targets.setdefault((job, instance), _Target())
        kept = [series for series in parse(text) if not self._dropped(job, series.name)]
        target.show({(series.name, series.labels) for series in kept})
        groups: dict[Labels, dict[str, float]] = {}
        for series in kept:
            value = target.value(series, at)
            if value is not None:
                labels = tuple(sorted({**dict(series.labels), **added, "prom_metric_type": series.kind}.items()))
                groups.setdefault(labels, {})[series.name] = value
        return [self._event(dict(labels), values, at) for labels, values in groups.items()]

    def miss(self, job: str, instance: str) -> None:
        """Note a scrape that failed, or a target that is gone: staleness markers for all of its series."""
        self._targets.setdefault((job, instance), _Target()).show(set())

    def _event(self, labels: dict[str, str], values: dict[str, float], at: float) -> Event:
        cluster = self.configuration["logs"]["metrics_collected"]["prometheus"].get("cluster_name")
        if cluster:
            labels.setdefault("ClusterName", cluster)
        declared = tuple(
            (dimensions, name) for name in values for declaration in self.declarations for dimensions in declaration.match(labels, name)
        )
        return Event(at, labels, values, declared, self.namespace)

    def _job(self, job: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = next(row for row in self.scrapes["scrape_configs"] if row["job_name"] == job)
        return found

    def _target_labels(self, job: str) -> dict[str, str]:
        return {row["target_label"]: row["replacement"] for row in self._job(job).get("relabel_configs", ()) if "replacement" in row}

    def _dropped(self, job: str, name: str) -> bool:
        rules = self._job(job).get("metric_relabel_configs", ())
        return any(rule["action"] == "drop" and re.fullmatch(rule["regex"], name) for rule in rules)
