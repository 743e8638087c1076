"""NetworkPolicies as a matrix: who reaches whom on which port, computed as the cluster would."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.kubernetes.overlays import Manifest, select
from tests.kubernetes.pods import NAME, pods, selects

Flow = tuple[str, str, int]
"""From, to and TCP port (53 stands for UDP as well)."""

PORTS = (22, 53, 80, 443, 587, 4316, 5432, 6379, 8000, 8001, 25888)
_ZONE = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A pod or something outside the cluster. Empty `namespace`: outside."""

    name: str
    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


OUTSIDE = (
    Place("load balancer", "192.0.2.10"),
    Place("database subnet", "192.0.2.140"),
    Place("internet", "198.51.100.7"),
    Place("node identity", "169.254.169.254"),
    Place("pod identity agent", "169.254.170.23"),
    Place("another subnet", "10.0.99.5"),
    Place("dns", "10.0.1.2", "kube-system", {"k8s-app": "kube-dns"}),
    Place("another pod of kube-system", "10.0.1.3", "kube-system", {"k8s-app": "other"}),
    Place("cloudwatch agent", "10.0.1.4", "amazon-cloudwatch", {NAME: "cloudwatch-agent"}),
    Place("keda operator", "10.0.1.5", "keda", {NAME: "keda-operator"}),
    Place("another pod of keda", "10.0.1.6", "keda", {NAME: "other"}),
    Place("a pod of another service", "10.0.1.7", "orders", {NAME: "api", "app.kubernetes.io/component": "api"}),
)
"""Everybody else: those whom the architecture names, and neighbours that are nearly like them."""


def places(manifests: list[Manifest]) -> list[Place]:
    """The overlay's own pods, a stranger among them, and everybody else."""
    (namespace,) = [m["metadata"]["name"] for m in select(manifests, "Namespace")]
    own = [Place(pod.labels[NAME], f"10.0.2.{number}", namespace, pod.labels) for number, pod in enumerate(pods(manifests), start=1)]
    return [*own, Place("a stranger", "10.0.2.99", namespace, {NAME: "stranger"}), *OUTSIDE]


def flows(manifests: list[Manifest]) -> set[Flow]:
    """Every flow from or to a pod of this overlay that the policies allow."""
    policies = [policy["spec"] for policy in select(manifests, "NetworkPolicy")]
    every = places(manifests)
    (namespace,) = [m["metadata"]["name"] for m in select(manifests, "Namespace")]
    own = {place for place in every if place.namespace == namespace}
    return {
        (source.name, target.name, port)
        for source, target in itertools.permutations(every, 2)
        if {source, target} & own
        for port in PORTS
        if source not in own or _passes(policies, "Egress", source, target, port)
        if target not in own or _passes(policies, "Ingress", target, source, port)
    }


def _passes(policies: list[dict[str, Any]], direction: str, pod: Place, peer: Place, port: int) -> bool:
    """Whether one side of a flow lets it through. A pod that no policy of a direction selects may receive and send everything."""
    own = [policy for policy in policies if direction in policy["policyTypes"] and selects(policy["podSelector"], pod.labels)]
    return not own or any(
        _admits(rule, direction, peer, port, pod.namespace) for policy in own for rule in policy.get(direction.lower(), [])
    )


def _admits(rule: dict[str, Any], direction: str, peer: Place, port: int, namespace: str) -> bool:
    peers = rule.get("to" if direction == "Egress" else "from")
    ports = rule.get("ports")
    named = not ports or any("port" not in each or each["port"] == port for each in ports)
    return named and (not peers or any(_is(each, peer, namespace) for each in peers))


def _is(named: dict[str, Any], peer: Place, namespace: str) -> bool:
    if "ipBlock" in named:
        address = ip_address(peer.address)
        block = named["ipBlock"]
        return address in ip_network(block["cidr"]) and not any(address in ip_network(part) for part in block.get("except", []))
    if "namespaceSelector" in named:
        if not peer.namespace or not selects(named["namespaceSelector"], {_ZONE: peer.namespace}):
            return False
    elif peer.namespace != namespace:
        return False
    return selects(named.get("podSelector", {}), peer.labels)


def picture(answers: Mapping[str, Any]) -> set[Flow]:
    """The flows of the architecture: the one table that the policies are held against."""
    apis = ["api", *(["api-canary"] if answers.get("delivery") == "canary" else [])]
    outside = [place.name for place in OUTSIDE]
    table: set[Flow] = {(pod, "dns", 53) for pod in (*apis, "worker", "metrics", "migrate", "a stranger")}
    table |= {("load balancer", api, 8000) for api in apis}
    table |= {(pod, "database subnet", 5432) for pod in (*apis, "worker", "migrate")}
    table |= {(pod, "database subnet", 6379) for pod in (*apis, "worker")}
    table |= {(pod, other, 443) for pod in (*apis, "worker", "metrics") for other in outside if other != "node identity"}
    table |= {(pod, "pod identity agent", 80) for pod in (*apis, "worker", "metrics")}
    table |= {("metrics", api, 8000) for api in apis} | {("metrics", "worker", 8001)}
    if answers.get("mail", "smtp") == "smtp":
        table |= {("worker", other, 587) for other in outside if other != "node identity"}
    if answers.get("tracing"):
        table |= {(pod, "cloudwatch agent", 4316) for pod in (*apis, "worker")}
    if answers.get("worker_scaling") == "queue":
        table |= {("keda operator", "worker", 8001)}
    return table


def unlike(manifests: list[Manifest], answers: Mapping[str, Any]) -> Iterator[str]:
    """Flows that are allowed and should not be, and the other way round."""
    found, drawn = flows(manifests), picture(answers)
    yield from (f"allowed, but not in the picture: {flow}" for flow in sorted(found - drawn))
    yield from (f"in the picture, but not allowed: {flow}" for flow in sorted(drawn - found))
