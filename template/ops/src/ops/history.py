"""The releases of an environment, newest first, kept in the cluster beside the objects they describe.

A rollback reads it, so that going back needs neither a build nor a person who remembers a number.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from ops import clock
from ops.errors import OpsError
from ops.images import Images
from ops.kubectl import Cluster

NAME = "deploy-history"
# The registry keeps the last 30 images of a repository.
KEPT = 20


class State(StrEnum):
    """How far a release came."""

    STARTED = "started"
    DEPLOYED = "deployed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Entry:
    """A release: its commit, its digests, and when it began (ISO 8601, UTC)."""

    release: str
    api: str
    worker: str
    migrate: str
    at: str
    state: State = State.STARTED

    @property
    def images(self) -> Images:
        """The digests."""
        return Images.of(self.api, self.worker, self.migrate)


class History:
    """The ConfigMap of one environment."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def entries(self) -> list[Entry]:
        """Newest first; empty before the first deploy."""
        found = self._cluster.get("configmap", NAME)
        rows = json.loads(found["data"]["releases"]) if found else []
        return [Entry(**row | {"state": State(row["state"])}) for row in rows]

    def has_arrived(self) -> bool:
        """Return whether any release ever came up here."""
        return any(entry.state is State.DEPLOYED for entry in self.entries())

    def start(self, release: str, images: Images) -> None:
        """Record the start of a release, so that a rollback can skip it if it fails."""
        entry = Entry(release, images.api, images.worker, images.migrate, clock.now().isoformat(timespec="seconds"))
        self._write([entry, *self.entries()])

    def finish(self, state: State) -> None:
        """Record the outcome of the newest release."""
        newest, *rest = self.entries()
        self._write([replace(newest, state=state), *rest])

    def rolled_back(self, target: Entry) -> None:
        """Record that all releases newer than `target` are withdrawn."""
        entries = self.entries()
        place = next(n for n, entry in enumerate(entries) if entry.at == target.at)
        self._write([replace(entry, state=State.WITHDRAWN) for entry in entries[:place]] + entries[place:])

    def target(self, wanted: str = "") -> Entry:
        """Return the target of a rollback: the previous deployed release, or the named one.

        `wanted` is the beginning of a commit. Raises OpsError when there is no such release.
        """
        entries = self.entries()
        deployed = [entry for entry in entries if entry.state is State.DEPLOYED]
        if wanted:
            candidates = [entry for entry in deployed if entry.release.startswith(wanted)]
        elif entries and entries[0].state is State.STARTED:
            # The newest release failed: roll back to the release that it should have replaced.
            candidates = deployed
        else:
            candidates = [entry for entry in deployed if entry.release != deployed[0].release]
        if not candidates:
            raise OpsError(f"there is nothing to roll back to{_known(entries)}")
        return candidates[0]

    def _write(self, entries: Sequence[Entry]) -> None:
        data = {"releases": json.dumps([asdict(entry) for entry in entries[:KEPT]])}
        if self._cluster.exists("configmap", NAME):
            self._cluster.patch("configmap", NAME, {"data": data})
        else:
            self._cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data})


def _known(entries: Sequence[Entry]) -> str:
    rows = [f"\n  {entry.at}  {entry.release}  {entry.state}" for entry in entries]
    return f"; this is what the environment got:{''.join(rows)}" if rows else ": the environment got no release yet"
