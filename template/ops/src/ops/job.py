"""A Kubernetes Job that the deploy waits for."""

from typing import Any

from ops.kubectl import Cluster
from ops.waiting import Wait

POLL_SECONDS = 3.0
COMPLETE, FAILED = "Complete", "Failed"


def outcome(job: dict[str, Any] | None) -> str:
    """Complete, Failed, or empty while the Job runs or when there is none."""
    conditions = (job or {}).get("status", {}).get("conditions", [])
    ended = [c["type"] for c in conditions if c["status"] == "True" and c["type"] in (COMPLETE, FAILED)]
    return ended[0] if ended else ""


def wait(cluster: Cluster, name: str, seconds: float, poll: float = POLL_SECONDS) -> str:
    """Return Complete or Failed, or a sentence about the time-out."""
    waiting = Wait(f"the Job {name}", seconds)
    while not waiting.is_over:
        if ended := outcome(cluster.get("job", name)):
            return ended
        waiting.pause(poll)
    return f"not done after {seconds:g} s"
