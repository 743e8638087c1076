"""The rollout of a Deployment: wait for it, stop early if new pods cannot start, and explain failures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ops import clock
from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.waiting import Wait

# A Deployment fails after 600 s without progress; a large one takes several steps.
ROLLOUT_SECONDS = 1200
# Seconds between two checks of the new pods.
LOOK_SECONDS = 10
# Within this time External Secrets writes a missing Secret, and a registry recovers from a short failure.
PATIENCE = timedelta(seconds=60)
# Two restarts, so three failed starts: the first may have failed because of a database failover.
RESTARTS = 2
# The kubelet's reasons for a waiting container that do not resolve without a change.
_CANNOT_START = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}
_REVISION = "deployment.kubernetes.io/revision"
_SHOWN_PODS, _SHOWN_EVENTS, _SHOWN_LINES = 2, 5, 20

Object = Mapping[str, Any]


def wait(cluster: Cluster, name: str, say: Callable[[str], None], seconds: int = ROLLOUT_SECONDS) -> None:
    """Wait for a rollout. If it fails or times out, report the reason through `say` and raise OpsError."""
    waiting = Wait(f"the rollout of {name}", seconds)
    seen: dict[str, datetime] = {}
    try:
        while not cluster.rolled_out(name, LOOK_SECONDS):
            if reason := _hopeless(cluster, name, seen):
                raise OpsError(f"rollout of {name}: {reason}")
            if waiting.is_over:
                raise OpsError(f"rollout of {name}: not up after {seconds} s")
            waiting.report()
    except OpsError:
        # Reported now, because the pods and their logs are deleted when the previous release is restored.
        say(explain(cluster, name))
        raise


def explain(cluster: Cluster, name: str) -> str:
    """Return state, events and last log lines of pods that are not ready, or the reason why they cannot be read."""
    try:
        return "\n".join(_lines(cluster, name))
    except OpsError as error:
        return f"the pods of {name} cannot be read: {error}"


def _hopeless(cluster: Cluster, name: str, seen: dict[str, datetime]) -> str:
    """Return the reason why new pods can never start; empty while they may. `seen` stores since when."""
    troubles = list(_troubles(cluster, name))
    # Keyed by container, not by reason, because the kubelet alternates between two reasons for one failure.
    for where in seen.keys() - {where for where, _, _ in troubles}:
        del seen[where]
    for where, reason, restarts in troubles:
        since = seen.setdefault(where, clock.now())
        if restarts >= RESTARTS or clock.now() - since >= PATIENCE:
            return f"{where}: {reason}"
    return ""


def _troubles(cluster: Cluster, name: str) -> Iterator[tuple[str, str, int]]:
    """Yield where, why and after how many restarts a new container does not start, or why there is no pod."""
    deployment = cluster.get("deployment", name) or {}
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            yield name, condition.get("message", condition.get("reason", "")), 0
    for pod in _new_pods(cluster, deployment):
        for container in _containers(pod):
            reason = container.get("state", {}).get("waiting", {}).get("reason", "")
            restarts = 0 if container.get("ready") else container["restartCount"]
            if reason in _CANNOT_START or restarts:
                where = f"{pod['metadata']['name']}, container {container['name']}"
                yield where, reason or f"restarted {restarts} times", restarts


def _new_pods(cluster: Cluster, deployment: Object) -> list[Object]:
    """The pods of the newest revision."""
    if not deployment:
        return []
    labels = deployment["spec"]["selector"]["matchLabels"]
    revision = deployment["metadata"].get("annotations", {}).get(_REVISION)
    sets = [
        each
        for each in cluster.select("replicaset", labels)
        if each["metadata"].get("annotations", {}).get(_REVISION) == revision
    ]
    uids = {each["metadata"]["uid"] for each in sets}
    pods = cluster.select("pod", labels)
    return [pod for pod in pods if uids & {owner["uid"] for owner in pod["metadata"].get("ownerReferences", [])}]


def _containers(pod: Object) -> list[Object]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _lines(cluster: Cluster, name: str) -> Iterator[str]:
    deployment = cluster.get("deployment", name) or {}
    yield f"rollout: why {name} is not up:"
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] in ("Progressing", "ReplicaFailure"):
            yield f"  {condition['type']} {condition['status']}: {condition.get('message', '')}"
    pods = [pod for pod in _new_pods(cluster, deployment) if not _is_ready(pod)]
    if not pods:
        yield "  every new pod is ready, or there is none"
    for pod in pods[:_SHOWN_PODS]:
        yield from _pod_lines(cluster, pod)
    if len(pods) > _SHOWN_PODS:
        yield f"  and {len(pods) - _SHOWN_PODS} more"


def _pod_lines(cluster: Cluster, pod: Object) -> Iterator[str]:
    name = pod["metadata"]["name"]
    yield f"  pod {name} is {pod.get('status', {}).get('phase', 'unknown')}"
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["status"] != "True" and condition.get("message"):
            yield f"    {condition['type']}: {condition['message']}"
    for container in _containers(pod):
        yield f"    container {container['name']}: {_state(container)}"
    for event in _events(cluster, name):
        yield f"    event {event.get('reason', '')}: {event.get('message', '')}"
    for container in _containers(pod):
        restarted = container["restartCount"] > 0
        lines = cluster.logs(f"pod/{name}", container=container["name"], lines=_SHOWN_LINES, previous=restarted)
        yield f"    last lines of {container['name']}{' before its restart' if restarted else ''}:"
        yield from (f"      {line}" for line in lines.strip().splitlines() or ["(none)"])


def _events(cluster: Cluster, pod: str) -> Sequence[Object]:
    found = cluster.events(pod)
    warnings = [event for event in found if event.get("type") != "Normal"] or found
    return warnings[-_SHOWN_EVENTS:]


def _state(container: Object) -> str:
    parts = []
    for kind, detail in container.get("state", {}).items():
        words = [str(detail[key]) for key in ("reason", "message") if detail.get(key)]
        parts.append(": ".join([kind, *words]))
    ended = container.get("lastState", {}).get("terminated")
    if ended:
        parts.append(f"ended with {ended.get('exitCode')} ({ended.get('reason', '')})")
    return f"{', '.join(parts) or 'unknown'}; {container['restartCount']} restarts"
