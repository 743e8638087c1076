"""The command line: `uv run deploy ENVIRONMENT --image-api … --image-worker … --image-migrate …`."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy import manifests, project
from deploy.aws import Whereabouts, kubeconfig, read_contract
from deploy.contract import Contract
from deploy.ending import ended_in_order
from deploy.failure import DeployError, HalfwayError, TakenOverError
from deploy.git import commit_of
from deploy.history import History, State
from deploy.images import Images
from deploy.kept import Kept
from deploy.kubectl import Cluster
from deploy.lock import Lock
from deploy.manifests import Manifest
from deploy.release import Release


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy one environment; the exit status is 0, or 1 with the reason on standard error."""
    options = parser("deploy", "Deploy the service to one environment.").parse_args(arguments)
    with ended_in_order() as status:
        chosen = target(options)
        if options.dry_run:
            chosen.show_difference()
        else:
            with chosen.under_way():
                chosen.release.run()
            chosen.summarise("is deployed to")
    return status.code


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The arguments that name a release and where it goes."""
    arguments = environment_parser(program, description)
    for image in ("api", "worker", "migrate"):
        arguments.add_argument(f"--image-{image}", required=True, metavar="DIGEST", help=f"sha256:… of {image}")
    # The workflows set RELEASE; by hand it is the commit whose manifests are deployed.
    arguments.add_argument("--release", default=os.environ.get("RELEASE", ""), metavar="COMMIT", help="its name")
    return arguments


def environment_parser(program: str, description: str) -> argparse.ArgumentParser:
    """The arguments of every command on an environment."""
    arguments = argparse.ArgumentParser(prog=program, description=description)
    arguments.add_argument("environment", help="dev, staging or production: the name of an overlay")
    arguments.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
    arguments.add_argument("--take-over", action="store_true", help="go on although another deploy seems to run")
    return arguments


@dataclass(frozen=True, slots=True)
class Place:
    """One environment: its contract and its cluster."""

    root: Path
    contract: Contract
    cluster: Cluster
    take_over: bool

    def lock(self) -> Lock:
        """The lock of this environment, not yet taken."""
        return Lock(self.cluster, take_over=self.take_over)

    @property
    def history(self) -> History:
        """What this environment got."""
        return History(self.cluster)

    @property
    def kept(self) -> Kept:
        """The manifests of the release that runs here."""
        return Kept(self.cluster)

    @contextmanager
    def or_as_before(self, release: Release, manifests: Sequence[Manifest]) -> Iterator[None]:
        """Keep the manifests when the block succeeds; otherwise bring those of the release before back.

        Who was taken over touches nothing any more.
        """
        try:
            yield
        except TakenOverError:
            raise
        except BaseException as reason:
            try:
                release.give_way(self.kept.read())
            except DeployError as error:
                reasons = (str(reason) or "interrupted", f"The release before is not wholly in place again: {error}")
                raise HalfwayError("\n".join([*reasons, "Run this once more, or rollback"])) from reason
            raise
        for name in self.kept.gone(manifests):
            namespace = self.contract.namespace
            say(f"{name} is not in this release. Does nobody need it? kubectl -n {namespace} delete {name.lower()}")
        self.kept.write(manifests)

    def release_of(self, project_root: Path, images: Images) -> tuple[list[Manifest], Release]:
        """The manifests that stand in a project's folder with these images, and their release. Raises DeployError."""
        overlay = manifests.prepare(project_root, self.contract.environment, self.contract, images)
        rendered = manifests.render(overlay)
        return rendered, Release(self.cluster, rendered, say)


@dataclass(frozen=True, slots=True)
class Target:
    """One environment, and the release that is to go there."""

    place: Place
    commit: str
    images: Images
    manifests: list[Manifest]
    release: Release

    def show_difference(self) -> None:
        """Print what the release would change."""
        say(self.release.diff() or "nothing would change")

    @contextmanager
    def under_way(self) -> Iterator[Lock]:
        """Inside the block this deploy is the only one, and the environment's history knows how it ends."""
        self.release.ensure_namespace()
        with self.place.lock() as lock:
            history = self.place.history
            history.start(self.commit, self.images)
            try:
                with self.place.or_as_before(self.release, self.manifests):
                    yield lock
            except (TakenOverError, HalfwayError):
                # It stays in the history as one that is on its way: a rollback knows what to do with it.
                raise
            except BaseException:
                # The reason is what counts, also when the cluster is out of reach.
                with suppress(DeployError):
                    history.finish(State.WITHDRAWN)
                raise
            history.finish(State.DEPLOYED)

    def summarise(self, what: str) -> None:
        """The release as a table: on standard output, and in the summary of a workflow's run."""
        contract = self.place.contract
        where = f"https://{contract.host}" if contract.host else "the load balancer's own name"
        title = f"### {contract.service} {what} {contract.environment}"
        lines = [title, "", f"Release `{self.commit}` answers at {where}.", "", "| Image | Digest |", "|---|---|"]
        lines += [f"| {name} | `{digest}` |" for name, _, digest in self.images.references(contract)]
        text = "\n".join(lines)
        say(text)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text + "\n")


def target(options: argparse.Namespace) -> Target:
    """Read the contract and render the manifests of what the arguments name. Raises DeployError."""
    images = Images.of(options.image_api, options.image_worker, options.image_migrate)
    here = place(options)
    rendered, release = here.release_of(here.root, images)
    return Target(here, options.release or commit_of(here.root), images, rendered, release)


def place(options: argparse.Namespace) -> Place:
    """Read the contract of the environment that the arguments name. Raises DeployError."""
    root = project.find(Path.cwd())
    facts = project.facts(root)
    contract = read_contract(facts["SERVICE"], options.environment, facts["AWS_REGION"])
    project.require_certificates(root, contract.region)
    cluster = Cluster(write_kubeconfig(root, contract.environment, contract), contract.namespace)
    return Place(root, contract, cluster, options.take_over)


def say(text: str) -> None:
    """A line for the person who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_kubeconfig(root: Path, name: str, where: Whereabouts) -> Path:
    """A file of a cluster's kubeconfig that only its owner may read."""
    path = root / ".deploy" / f"{name}.kubeconfig.json"
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(kubeconfig(where), encoding="utf-8")
    return path
