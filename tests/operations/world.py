"""An account, a repository and a cluster in which `ops` works: AWS emulated, gh, kubectl, helm and terraform recorded.

The commands run in this process, from the rendered project's own package.
"""

import importlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3  # type: ignore[import-untyped]  # boto3 carries no types
import pytest
from moto.server import ThreadedMotoServer

from tests.harness import Renderer, install_program, required
from tests.infrastructure.cloud import account, kubernetes, mail
from tests.kubernetes.deployer import FAKE_KUBECTL, LOAD_BALANCER

ADDED = (account, kubernetes, mail)
"""Imported for what they add to moto."""
HERE = Path(__file__).parent
FAKE_HELM = HERE / "fake_helm.py"
REGION = "ap-southeast-1"
ANSWERS = {
    "profile": "sandbox",
    "service": "shop",
    "platform_name": "shop",
    "domain": "api.example.com",
    "mail": "ses",
    "github_owner": "acme",
    "github_plan": "enterprise",
    "alert_email": "alerts@example.com",
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "COLUMNS": "200",
}


@dataclass
class World:
    """One project, with its account, repository and cluster."""

    project: Path
    folder: Path

    def aws(self, service: str, region: str = REGION) -> Any:
        """A client of the emulated AWS."""
        return boto3.client(service, region_name=region)

    def ops(self, *arguments: str) -> int:
        """Run a command. Return its exit status."""
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return int(importlib.import_module("ops.cli").main(list(arguments)))
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def read(self, name: str) -> Any:
        """A recorded tool's state."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def write(self, name: str, state: Any) -> None:
        """Set a recorded tool's state."""
        (self.folder / name).write_text(json.dumps(state), encoding="utf-8")

    def holds(self, **resources: Any) -> None:
        """Add to what the cluster holds; `__` stands for a slash, and None removes."""
        state = self.read("state.json") | {name.replace("__", "/"): value for name, value in resources.items()}
        self.write("state.json", {name: value for name, value in state.items() if value is not None})

    def calls(self, tool: str) -> list[list[str]]:
        """Arguments of a tool's calls."""
        path = self.folder / f"{tool}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
        return [row["arguments"] if isinstance(row, dict) else row for row in rows]

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text of a file of the project; the text must be there."""
        path = self.project / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} lacks {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore the files of the project and of the recorded tools after the block, but not AWS."""
        kept = self.folder.with_name("kept")
        parts = [(self.folder, kept / "tools"), (self.project / "infra/environments", kept / "values")]
        parts += [(self.project / "deploy/overlays", kept / "overlays")]
        for source, target in parts:
            shutil.copytree(source, target, symlinks=True)
        try:
            yield
        finally:
            for source, target in parts:
                shutil.rmtree(source)
                shutil.copytree(target, source, symlinks=True)
            shutil.rmtree(kept)

    def start(self) -> None:
        """Give the recorded tools an empty cluster, and a repository without environments."""
        self.write("state.json", {"job-outcome": "Complete", "pods/--output=json": {"items": []}, "load-balancer": LOAD_BALANCER})
        self.write("helm.json", {})
        repository = {"id": 42, "owner": {"id": 4711, "login": "acme"}}
        state = {"logged_in": True, "name": "acme/shop", "repository": repository, "environments": {}, "variables": {}}
        self.write("gh.json", state)

    def set_up(self) -> None:
        """Set the values that a person sets before the first deployment."""
        values = "infra/environments/dev.platform.local.tfvars"
        self.edit(values, "cluster_admin_role_arns = []", 'cluster_admin_role_arns = ["arn:aws:iam::123456789012:role/Admin"]')
        with (self.project / values).open("a", encoding="utf-8") as file:
            file.write('api_public_cidrs = ["203.0.113.0/24"]\n')

    def push_images(self) -> None:
        """Push the images that the workflow `release` pushes."""
        layers = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": [], "tag": "%s"}'
        for name in ("api", "worker", "migrate"):
            self.aws("ecr").put_image(repositoryName=f"shop/dev/{name}", imageManifest=layers % name, imageTag="deployed-1")

    def delegate(self) -> None:
        """Delegate at the parent zone, as a person does: AWS then issues the certificate."""
        from moto.acm.models import acm_backends  # noqa: PLC0415  the emulator's inside, for this alone

        for certificate in acm_backends["123456789012"][REGION]._certificates.values():
            certificate.status = "ISSUED"

    def grant_mail(self) -> None:
        """Grant production access for mail, as AWS does on request."""
        account.SES["ProductionAccessEnabled"] = True


@contextmanager
def world_of(render: Renderer, folder: Path, answers: dict[str, Any]) -> Iterator[World]:
    """A world of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    _reset(endpoint)
    project = render.workspace(folder / "project", answers)
    tools = folder / "bin"
    tools.mkdir()
    shims = {"kubectl": FAKE_KUBECTL, "helm": FAKE_HELM, "gh": HERE / "fake_gh.py", "terraform": HERE / "fake_terraform.py"}
    for name, source in shims.items():
        install_program(tools / name, source)
    (tools / "aws").write_text("#!/bin/sh\necho aws-cli/2.30.0\n", encoding="utf-8")
    (tools / "aws").chmod(0o755)
    (tools / "real-kubectl").symlink_to(required("kubectl"))
    world = World(project, tools)
    world.start()
    account.SES["ProductionAccessEnabled"] = False
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_") or name in ("GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY")]:
        patch.delenv(name)
    path = f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    for name, value in {**VARIABLES, "AWS_ENDPOINT_URL": endpoint, "PATH": path}.items():
        patch.setenv(name, value)
    patch.syspath_prepend(str(project / "ops/src"))
    patch.chdir(project)
    _forget()
    try:
        yield world
    finally:
        _forget()
        patch.undo()
        _reset(endpoint)
        server.stop()


def _forget() -> None:
    """Modules of another rendered project must not answer for this one's."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "ops"]:
        del sys.modules[name]


def _reset(endpoint: str) -> None:
    """An empty account: the emulator of this process is one for all tests."""
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()  # noqa: S310  the emulator's own
