"""An environment, and a release to deploy there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from ops import load_balancer, manifests, project
from ops.aws import kubeconfig_of, read_contract, write_kubeconfig
from ops.contract import Contract
from ops.errors import LockLostError, OpsError, RollbackFailedError
from ops.git import commit_of
from ops.history import History, State
from ops.images import Images
from ops.kubectl import Cluster
from ops.lock import Lock
from ops.manifests import Manifest
from ops.output import say
from ops.release import Release
from ops.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of the service: its contract and its cluster."""

    root: Path
    contract: Contract
    cluster: Cluster
    take_over: bool

    @classmethod
    def load(cls, name: str, *, take_over: bool = False) -> Self:
        """Read the contract of an environment. Raises OpsError."""
        root = project.find()
        project.require_environment(root, name)
        facts = project.facts(root)
        contract = read_contract(facts["SERVICE"], name, facts["AWS_REGION"])
        project.require_certificates(root, contract.region)
        return cls(root, contract, Cluster(write_kubeconfig(root, name, contract), contract.namespace), take_over)

    def lock(self) -> Lock:
        """The lock of this environment, not yet taken."""
        return Lock(self.cluster, take_over=self.take_over)

    @property
    def history(self) -> History:
        """The history of this environment."""
        return History(self.cluster)

    @property
    def snapshot(self) -> Snapshot:
        """The manifests of the release that runs here."""
        return Snapshot(self.cluster)

    @contextmanager
    def restored_on_failure(self, release: Release) -> Iterator[None]:
        """Store the snapshot when the block succeeds; otherwise restore the previous release.

        If the lock was lost, abort without changing anything.
        """
        try:
            yield
        except LockLostError:
            raise
        except BaseException as reason:
            try:
                release.restore(self.snapshot.read())
            except OpsError as error:
                reasons = (str(reason) or "interrupted", f"The previous release is not wholly in place again: {error}")
                raise RollbackFailedError("\n".join([*reasons, "Run this once more, or rollback"])) from reason
            raise
        for name in self.snapshot.gone(release.manifests):
            config = kubeconfig_of(self.root, self.contract.environment)
            command = f"kubectl --kubeconfig {config} delete {name.lower()}"
            say(f"{name} is not in this release. Does nobody need it? {command}")
        self.snapshot.write(release.manifests)

    def release_of(self, project_root: Path, images: Images) -> tuple[list[Manifest], Release]:
        """Return the manifests of a project's folder with these images, and their release. Raises OpsError."""
        if self.contract.host:
            rendered = self._rendered(project_root, images, "")
            return rendered, Release(self.cluster, rendered, say)
        # Without a domain, the host name is that of the load balancer, once it exists.
        name = load_balancer.address(self.cluster)
        rendered = self._rendered(project_root, images, name)
        later = None if name else partial(self._rendered, project_root, images)
        return rendered, Release(self.cluster, rendered, say, render_for=later)

    def _rendered(self, project_root: Path, images: Images, address: str) -> list[Manifest]:
        overlay = manifests.prepare(project_root, self.contract.environment, self.contract, images, address)
        return manifests.render(overlay)


@dataclass(frozen=True, slots=True)
class Target:
    """One environment, and the release to deploy there."""

    environment: Environment
    commit: str
    images: Images
    manifests: list[Manifest]
    release: Release

    @classmethod
    def of(cls, environment: Environment, images: Images, release: str = "") -> Self:
        """Render the manifests of the current commit. Raises OpsError."""
        manifests, rendered = environment.release_of(environment.root, images)
        return cls(environment, release or commit_of(environment.root), images, manifests, rendered)

    def show_difference(self) -> None:
        """Print what the release would change."""
        say(self.release.diff() or "nothing would change")

    @contextmanager
    def under_way(self) -> Iterator[Lock]:
        """Hold the environment's lock inside the block, and record the outcome in its history."""
        self.release.ensure_access()
        with self.environment.lock() as lock:
            history = self.environment.history
            history.start(self.commit, self.images)
            try:
                with self.environment.restored_on_failure(self.release):
                    yield lock
            except (LockLostError, RollbackFailedError):
                # The history keeps it as started, so that a rollback can handle it.
                raise
            except BaseException:
                # Report the original reason, even if the cluster is unreachable.
                with suppress(OpsError):
                    history.finish(State.WITHDRAWN)
                raise
            history.finish(State.DEPLOYED)

    def summarise(self, what: str) -> None:
        """Print the release as a table, also into the summary of a workflow run."""
        contract = self.environment.contract
        where = f"https://{contract.host}" if contract.host else "the load balancer's own name"
        title = f"### {contract.service} {what} {contract.environment}"
        lines = [title, "", f"Release `{self.commit}` answers at {where}.", "", "| Image | Digest |", "|---|---|"]
        lines += [f"| {name} | `{digest}` |" for name, _, digest in self.images.references(contract)]
        text = "\n".join(lines)
        say(text)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text + "\n")
