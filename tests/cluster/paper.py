"""A kubelet on paper: writes the status of pods that no node takes, so that rollouts proceed on a control plane alone.

Jobs succeed, pods become ready at once, and a pod whose arguments hold BROKEN crashes. It does the load balancer's part too: the condition
of readiness gates and the Ingress's host name.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cluster.cluster import Cluster

# No node has this label, so the scheduler ignores these pods.
NODE_SELECTOR = {"sampan.example.com/paper": "true"}
BROKEN = "broken-on-paper"
HOST_NAME = "balancer.example.com"
TURN_SECONDS = 0.5
# Long enough ago to satisfy any `minReadySeconds`.
SINCE = timedelta(minutes=1)


@contextmanager
def paper_kubelet(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Manage the pods of a namespace inside the block."""
    ended = threading.Event()
    thread = threading.Thread(target=_look_after, args=(cluster, namespace, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _look_after(cluster: Cluster, namespace: str, ended: threading.Event) -> None:
    while not ended.wait(TURN_SECONDS):
        pods = cluster.run("get", "pods", f"--namespace={namespace}", "--output=json")
        for pod in json.loads(pods.stdout)["items"] if pods.returncode == 0 else []:
            if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                _patch(cluster, namespace, f"pod/{pod['metadata']['name']}", _status(pod))
        _patch(cluster, namespace, "ingress/api", {"loadBalancer": {"ingress": [{"hostname": HOST_NAME}]}})


def _patch(cluster: Cluster, namespace: str, name: str, status: Mapping[str, Any]) -> None:
    """Write a status. An object that is missing is handled in the next round."""
    cluster.run("patch", name, f"--namespace={namespace}", "--subresource=status", f"--patch={json.dumps({'status': status})}")


def _status(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the final status that a kubelet would report of a pod."""
    (container,) = pod["spec"]["containers"]
    if pod["spec"]["restartPolicy"] == "Never":
        return {"phase": "Succeeded"}
    broken = BROKEN in container.get("args", [])
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates", [])]
    since = (datetime.now(UTC) - SINCE).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ["Initialized", "ContainersReady", "Ready", *gates]
    value = "False" if broken else "True"
    state = {"waiting": {"reason": "CrashLoopBackOff"}} if broken else {"running": {"startedAt": since}}
    status = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": not broken,
        "restartCount": 3 if broken else 0,
    }
    return {
        "phase": "Running",
        "conditions": [{"type": name, "status": value, "lastTransitionTime": since} for name in names],
        "containerStatuses": [{**status, "state": state}],
    }
