"""The load balancer as seen from the cluster: its name, and its target groups."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.waiting import Wait

INGRESS = "api"
# Creating a load balancer takes two to three minutes.
ADDRESS_SECONDS = 420
# Two health checks of 10 s each, and time for the controller to react.
TARGET_SECONDS = 180
POLL_SECONDS = 5.0
_BINDING = "targetgroupbinding"
_NO_SUCH_KIND = "doesn't have a resource type"
# Prefix of the condition that the load balancer controller adds to pods (docs/deploy/pod_readiness_gate.md at v3.5.0).
_GATE = "target-health.elbv2.k8s.aws"
_ACTION = "alb.ingress.kubernetes.io/actions."

Say = Callable[[str], None]


def address(cluster: Cluster) -> str:
    """Host name of the load balancer; empty while there is none."""
    return _address(cluster.get("ingress", INGRESS))


def wait(cluster: Cluster, say: Say) -> str:
    """Wait until the load balancer has a name and a target group for each Service. Return the name. Raises OpsError.

    A pod gets its readiness gate when it is made, and only if its target group is bound by then: without one, a rollout
    ends before the load balancer sends it a request.
    """
    waiting = Wait("the load balancer", ADDRESS_SECONDS)
    while True:
        ingress = cluster.get("ingress", INGRESS)
        name, unbound = _address(ingress), _unbound(cluster, ingress)
        if name and not unbound:
            say(f"load balancer: {name}")
            return name
        if waiting.is_over:
            lacks = "no host name" if not name else f"no target group for {', '.join(unbound)}"
            raise OpsError(f"the Ingress {INGRESS} has {lacks} after {ADDRESS_SECONDS} s.\n{_reason(cluster)}")
        waiting.pause(POLL_SECONDS)


def require_healthy_target(cluster: Cluster, deployment: str, say: Say) -> None:
    """Wait until the load balancer reports a healthy pod of the Deployment. Raises OpsError."""
    waiting = Wait("a healthy target of the load balancer", TARGET_SECONDS)
    labels = (cluster.get("deployment", deployment) or {})["spec"]["selector"]["matchLabels"]
    while True:
        gates = [gate for pod in cluster.select("pod", labels) for gate in _gates(pod)]
        if any(gate.get("status") == "True" for gate in gates):
            say("load balancer: a target is healthy")
            return
        if waiting.is_over or not gates:
            raise OpsError(_unhealthy(cluster, gates))
        waiting.pause(POLL_SECONDS)


def _unhealthy(cluster: Cluster, gates: list[Mapping[str, str]]) -> str:
    if not gates:
        return (
            "no pod of the API has a readiness gate, so nobody knows whether the load balancer reaches it: the load"
            " balancer controller did not answer when the pods were made. See whether it runs (ops doctor), then run"
            " ops restart and this again"
        )
    said = sorted({gate.get("message") or gate.get("reason") or "not checked yet" for gate in gates})
    return f"no target of the load balancer is healthy: {', '.join(said)}\n{_reason(cluster)}"


def _address(ingress: Mapping[str, Any] | None) -> str:
    entries = (ingress or {}).get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return str(entries[0].get("hostname", "")) if entries else ""


def _backends(ingress: Mapping[str, Any] | None) -> set[str]:
    """Names of the Services that the Ingress sends to."""
    if ingress is None:
        return set()
    named = [path["backend"]["service"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    plain = {each["name"] for each in named if each["port"].get("name") != "use-annotation"}
    written = ingress["metadata"]["annotations"]
    actions = [json.loads(written[_ACTION + each["name"]]) for each in named if each["name"] not in plain]
    return plain | {group["serviceName"] for action in actions for group in action["forwardConfig"]["targetGroups"]}


def _unbound(cluster: Cluster, ingress: Mapping[str, Any] | None) -> list[str]:
    """Services without a target group yet."""
    try:
        bound = {each["spec"]["serviceRef"]["name"] for each in cluster.select(_BINDING, {})}
    except OpsError as error:
        # Without the AWS controller, there are no target groups to check before there are pods.
        if _NO_SUCH_KIND not in str(error):
            raise
        return []
    return sorted(_backends(ingress) - bound)


def _gates(pod: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the conditions of the readiness gates of a pod that stays; before its first check, an empty condition."""
    if "deletionTimestamp" in pod["metadata"]:
        return []
    names = {gate["conditionType"] for gate in pod["spec"].get("readinessGates", [])}
    wanted = {name for name in names if name.startswith(_GATE)}
    found = [each for each in pod.get("status", {}).get("conditions", []) if each["type"] in wanted]
    return found or [{} for _ in wanted]


def _reason(cluster: Cluster) -> str:
    """Return the load balancer controller's last warning about the Ingress."""
    events = [event for event in cluster.events(INGRESS, kind="Ingress") if event.get("type") != "Normal"]
    if not events:
        return "The load balancer controller says nothing of it: see whether it runs (ops doctor)."
    return "\n".join(f"The load balancer controller says: {event.get('message', '')}" for event in events[-2:])
