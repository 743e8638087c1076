"""Pods of rendered manifests, and what selects them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.overlays import Manifest, select

NAME = "app.kubernetes.io/name"


def name_of(manifest: Manifest) -> str:
    """Kind and name, as kubectl writes them."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods of one workload: whose they are, their labels and their spec."""

    owner: str
    labels: Mapping[str, str]
    spec: Mapping[str, Any]

    @property
    def ports(self) -> dict[str, int]:
        """Name and number of every port that a container opens."""
        return {port["name"]: port["containerPort"] for container in self.spec["containers"] for port in container.get("ports", [])}

    def opens(self, port: str | int) -> bool:
        """Whether a container opens the port, by name or by number."""
        return port in self.ports if isinstance(port, str) else port in self.ports.values()


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """Return every manifest that creates pods."""
    return [*select(manifests, "Deployment"), *select(manifests, "Job")]


def pods(manifests: list[Manifest]) -> list[Pod]:
    """The pods of each workload, and those that the release of a canary makes from the Deployment `api`."""
    found = [_pod(workload) for workload in workloads(manifests)]
    if any(service["metadata"]["name"] == "api-canary" for service in select(manifests, "Service")):
        found += [
            Pod(f"{pod.owner}-canary", {**pod.labels, NAME: "api-canary"}, pod.spec) for pod in found if pod.owner == "Deployment/api"
        ]
    return found


def _pod(workload: Manifest) -> Pod:
    template = workload["spec"]["template"]
    return Pod(name_of(workload), template["metadata"]["labels"], template["spec"])


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name of the workload, its pod and each container."""
    for workload in workloads(manifests):
        pod = workload["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield name_of(workload), pod, container


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches. Raises ValueError for an operator that no manifest here needs."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise ValueError(expression)
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def alternatives(selector: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The sets of labels that a selector names: one, or one a value of its expression."""
    labels = dict(selector.get("matchLabels", {}))
    expressions = selector.get("matchExpressions", [])
    if not expressions:
        yield labels
    for expression in expressions:
        yield from (labels | {expression["key"]: value} for value in expression["values"])
