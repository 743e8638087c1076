"""The command line: `uv run deploy ENVIRONMENT --image-api … --image-worker … --image-migrate …`."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy import manifests, project
from deploy.aws import kubeconfig, read_contract
from deploy.contract import Contract
from deploy.failure import DeployError
from deploy.images import Images
from deploy.kubectl import Cluster
from deploy.manifests import Manifest
from deploy.release import Release


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy one environment; the exit status is 0, or 1 with the reason on standard error."""
    options = parser("deploy", "Deploy the service to one environment.").parse_args(arguments)
    try:
        chosen = target(options)
        if options.dry_run:
            chosen.show_difference()
            return 0
        chosen.release.run()
        chosen.summarise()
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The arguments that name a release and where it goes."""
    arguments = argparse.ArgumentParser(prog=program, description=description)
    arguments.add_argument("environment", help="dev, staging or production: the name of an overlay")
    for image in ("api", "worker", "migrate"):
        arguments.add_argument(f"--image-{image}", required=True, metavar="DIGEST", help=f"sha256:… of {image}")
    arguments.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
    return arguments


@dataclass(frozen=True, slots=True)
class Target:
    """One environment, and the release that is to go there."""

    contract: Contract
    images: Images
    manifests: list[Manifest]
    cluster: Cluster
    release: Release

    def show_difference(self) -> None:
        """Print what the release would change."""
        say(self.release.diff() or "nothing would change")

    def summarise(self) -> None:
        """The release as a table: on standard output, and in the summary of a workflow's run."""
        where = f"https://{self.contract.host}" if self.contract.host else "the load balancer's own name"
        title = f"### {self.contract.service} is deployed to {self.contract.environment}"
        lines = [title, "", f"It answers at {where}.", "", "| Image | Digest |", "|---|---|"]
        lines += [f"| {name} | `{digest}` |" for name, _, digest in self.images.references(self.contract)]
        text = "\n".join(lines)
        say(text)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text + "\n")


def target(options: argparse.Namespace) -> Target:
    """Read the contract and render the manifests of what the arguments name. Raises DeployError."""
    images = Images.of(options.image_api, options.image_worker, options.image_migrate)
    root = project.find(Path.cwd())
    facts = project.facts(root)
    contract = read_contract(facts["SERVICE"], options.environment, facts["AWS_REGION"])
    project.require_certificates(root, contract.region)
    rendered = manifests.render(manifests.prepare(root, options.environment, contract, images))
    cluster = _connect(root, contract)
    return Target(contract, images, rendered, cluster, Release(cluster, rendered, say))


def say(text: str) -> None:
    """A line for the person who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _connect(root: Path, contract: Contract) -> Cluster:
    """The contract's cluster and namespace, through a kubeconfig that only its owner may read."""
    path = root / ".deploy" / f"{contract.environment}.kubeconfig.json"
    path.touch(mode=0o600)
    path.write_text(kubeconfig(contract), encoding="utf-8")
    return Cluster(path, contract.namespace)
