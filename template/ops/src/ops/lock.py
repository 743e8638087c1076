"""One deploy at a time in an environment: a lock in the cluster, taken atomically.

Workflows wait for each other by their concurrency group; this keeps a laptop and a workflow apart.
"""

import getpass
import os
import socket
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from ops import clock
from ops.errors import LockLostError, OpsError
from ops.kubectl import Cluster

NAME = "deploy-lock"
# Longer than the longest time without a renewal: a migration of 15 minutes, and rollouts of 20 minutes for each of
# three Deployments, twice if the previous release is restored.
HELD = timedelta(minutes=150)
_ACTIONS = "GitHub Actions run "


def me() -> str:
    """Return the holder of the lock: a run of a workflow, or a person's process."""
    if run := os.environ.get("GITHUB_RUN_ID"):
        return _ACTIONS + run
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"


class Lock:
    """Held inside a `with` block. Entering raises OpsError while somebody else holds it."""

    def __init__(self, cluster: Cluster, *, take_over: bool = False) -> None:
        self._cluster = cluster
        self._take_over = take_over
        self._holder = me()

    def __enter__(self) -> Self:
        found = self._cluster.get("configmap", NAME)
        if found is None:
            self._create()
            return self
        self._refuse_unless_free(found["data"])
        # With the version, this fails if another deploy was faster.
        self._write(self._holder, version=found["metadata"].get("resourceVersion"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_mine():
            self._write("")

    def renew(self) -> None:
        """Extend the lock by an hour. Raises LockLostError if somebody else has it now."""
        if not self._is_mine():
            raise LockLostError("another deploy took this environment over: this one stops")
        self._write(self._holder)

    def _is_mine(self) -> bool:
        found = self._cluster.get("configmap", NAME)
        return bool(found and found["data"]["holder"] == self._holder)

    def _refuse_unless_free(self, data: dict[str, str]) -> None:
        holder = data["holder"]
        # Only one workflow runs at a time, so another run's lock is left over from a lost runner.
        left_over = holder.startswith(_ACTIONS) and self._holder.startswith(_ACTIONS)
        expired = not holder or datetime.fromisoformat(data["until"]) < clock.now()
        if not (expired or left_over or holder == self._holder or self._take_over):
            raise OpsError(
                f"{holder} deploys to this environment, until {data['until']} at the latest."
                " Wait, or add --take-over when you know that it is dead"
            )

    def _create(self) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME},
            "data": self._data(self._holder),
        }
        try:
            self._cluster.create(manifest)
        except OpsError as error:
            raise OpsError(f"another deploy has just begun: {error}") from None

    def _write(self, holder: str, version: str | None = None) -> None:
        metadata = {"metadata": {"resourceVersion": version}} if version else {}
        try:
            self._cluster.patch("configmap", NAME, {**metadata, "data": self._data(holder)})
        except OpsError as error:
            raise OpsError(f"another deploy has just begun: {error}") from None

    def _data(self, holder: str) -> dict[str, str]:
        return {"holder": holder, "until": (clock.now() + HELD).isoformat(timespec="seconds")}
