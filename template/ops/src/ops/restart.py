"""Restarts that bring changed secrets into the pods.

A process reads its secrets when it starts. This fetches them from Secrets Manager at once, then restarts every pod that
reads one, without an interruption. No controller can do it: a database must know its new password
before pods use it, and only the person who changes it knows when that is. The runbook rotate-secrets tells the
order.
"""

from collections.abc import Mapping
from typing import Any

from ops import clock, rollout
from ops.environment import Environment
from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.output import say
from ops.waiting import Wait

# External Secrets reacts within seconds. If it takes longer, it lacks rights or does not run.
FETCH_SECONDS = 60
POLL_SECONDS = 2.0
# Changing this annotation makes External Secrets fetch immediately.
FORCE = "force-sync"
# Annotation of `kubectl rollout restart`. The deploy does not set it, so it is kept.
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restart_pods(here: Environment, *, dry_run: bool) -> None:
    """Fetch every secret and restart its readers. After a failure, the old pods run again, and OpsError is raised."""
    if dry_run:
        say(f"would fetch {', '.join(secrets(here.cluster))} and restart {', '.join(readers(here.cluster))}")
        return
    with here.lock():
        fetch(here.cluster)
        roll(here.cluster)


def secrets(cluster: Cluster) -> list[str]:
    """Names of all ExternalSecrets. Raises OpsError when there is none."""
    found = cluster.names("externalsecret")
    if not found:
        raise OpsError("there is no ExternalSecret: nothing was deployed here yet")
    return found


def readers(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """Return the Deployments in the cluster whose pods read a Secret, by name."""
    held = {name: cluster.get("deployment", name) for name in cluster.names("deployment")}
    return {name: deployment for name, deployment in held.items() if deployment and _reads_secret(deployment)}


def fetch(cluster: Cluster, *, poll: float = POLL_SECONDS) -> None:
    """Fetch every secret again. Raises OpsError if one cannot be read; then nothing is restarted."""
    names = secrets(cluster)
    before = {name: _fetched(cluster.get("externalsecret", name)) for name in names}
    for name in names:
        cluster.annotate("externalsecret", name, FORCE, clock.now().isoformat())
    for name in names:
        _wait(cluster, name, before[name], poll)
        say(f"secret: {name} is fetched")


def _wait(cluster: Cluster, name: str, before: str, poll: float) -> None:
    waiting = Wait(f"the secret {name}", FETCH_SECONDS)
    ready: Mapping[str, str] = {}
    while not waiting.is_over:
        secret = cluster.get("externalsecret", name)
        ready = _ready(secret)
        if ready.get("status") == "True" and _fetched(secret) != before:
            return
        waiting.pause(poll)
    raise OpsError(f"secret {name} was not fetched within {FETCH_SECONDS} s: {ready.get('message', 'no answer')}")


def roll(cluster: Cluster) -> None:
    """Replace the pods of every reader. After a failure, only the old pods run, and OpsError is raised."""
    deployments = readers(cluster)
    now = clock.now().isoformat()
    try:
        for name in deployments:
            cluster.patch("deployment", name, _marked(now))
        for name in deployments:
            rollout.wait(cluster, name, say)
            say(f"restart: {name} is up")
    except BaseException:
        # Restore the previous annotation, or none, so that the template matches the old pods, which are still running.
        for name, deployment in deployments.items():
            marks = deployment["spec"]["template"]["metadata"].get("annotations", {})
            cluster.patch("deployment", name, _marked(marks.get(RESTARTED)))
        for name in deployments:
            rollout.wait(cluster, name, say)
            say(f"restart: {name} keeps the pods that it had")
        raise


def _marked(mark: str | None) -> dict[str, Any]:
    """A merge that sets the mark of a restart; None removes it."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: mark}}}}}


def _reads_secret(deployment: Mapping[str, Any]) -> bool:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return any("secretRef" in source for container in containers for source in container.get("envFrom", []))


def _fetched(secret: Mapping[str, Any] | None) -> str:
    """Return the time when External Secrets last read the secret; empty if never."""
    found: str = (secret or {}).get("status", {}).get("refreshTime", "")
    return found


def _ready(secret: Mapping[str, Any] | None) -> Mapping[str, str]:
    conditions = (secret or {}).get("status", {}).get("conditions", [])
    found: Mapping[str, str] = next((condition for condition in conditions if condition["type"] == "Ready"), {})
    return found
