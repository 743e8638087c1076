"""Images of the rendered project and of the stand-ins, and a registry inside the cluster that has them.

The registry answers on every node's loopback address, which container runtimes reach by plain HTTP without a configuration of theirs.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.cluster import Cluster
from tests.cluster.stack import NAMESPACE
from tests.harness import required
from tests.images import bases
from tests.images.engine import Engine
from tests.images.tools import debootstrap, make_client
from tests.kubernetes.overlays import Manifest

TARGETS = ("api", "worker", "migrate")
REGISTRY = "localhost:5000"
STANDIN = "sampan/standin:tests"
# The same files with another configuration. Nodes identify an image by its configuration, so a loaded and a pulled copy would be the same
# image.
LOADED = "sampan/registry:tests"
PUBLIC_REGISTRY = "docker.io/library/registry:3"
PACKAGES = ("postgresql-17", "valkey-server", "python3", "docker-registry", "ca-certificates")
STARTED_SECONDS = 180
SETTINGS = "version: 0.1\nhttp: {addr: 127.0.0.1:5000}\nstorage: {filesystem: {rootdirectory: /data}}\n"


@contextmanager
def engine(root: Path) -> Iterator[Engine]:
    """A Docker engine beside the machine's network, for the block."""
    running = Engine(root, make_client(root / "tools"))
    try:
        running.start(isolated=False)
        yield running
    finally:
        running.stop()


@dataclass(frozen=True)
class Registry:
    """The registry's pods, one a node, and the engine whose images they get."""

    cluster: Cluster
    engine: Engine
    # Base images of the Dockerfile that were built on this machine.
    bases: Mapping[str, str]
    manifests: dict[str, str] = field(default_factory=dict)

    def push(self, image: str, name: str) -> str:
        """Push an image to every node's registry under a name. Return its digest."""
        digests = {self._push(pod, image, name) for pod in self._pods()}
        assert len(digests) == 1, digests
        return digests.pop()

    def _pods(self) -> list[str]:
        pods = self.cluster.items("pods", f"--namespace={NAMESPACE}", "--selector=app=registry")
        assert pods, "the registry has no pod"
        return [pod["metadata"]["name"] for pod in pods]

    def _push(self, pod: str, image: str, name: str) -> str:
        with self._forwarded(pod) as port:
            target = f"localhost:{port}/{name}:tests"
            self.engine.docker("tag", image, target)
            said = self.engine.docker("push", target)
            digest = re.findall(r"digest: (sha256:[0-9a-f]{64})", said)[-1]
            self.manifests[digest] = self._manifest(port, name, digest)
            return str(digest)

    def _manifest(self, port: int, name: str, digest: str) -> str:
        accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
        url = f"http://localhost:{port}/v2/{name}/manifests/{digest}"
        return subprocess.run([required("curl"), "-fsS", "-H", f"Accept: {accept}", url], check=True, capture_output=True, text=True).stdout

    @contextmanager
    def _forwarded(self, pod: str) -> Iterator[int]:
        """A port of this machine that is the pod's."""
        command = self.cluster.command("port-forward", f"--namespace={NAMESPACE}", f"pod/{pod}", ":5000", "--address=127.0.0.1")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
                assert found, f"no port of {pod}"
                yield int(found[1])
            finally:
                process.terminate()


def make_standin(running: Engine, folder: Path) -> None:
    """Debian's PostgreSQL 17, Valkey, Python and registry in one image. The suite gives each pod its program."""
    if all(running.run("image", "inspect", name, check=False).returncode == 0 for name in (STANDIN, LOADED)):
        return
    left_out = [f"--dpkgopt=path-exclude={path}" for path in ("*/libLLVM*", "/usr/share/doc/*", "/usr/share/locale/*")]
    archive = folder / "standin.tar"
    debootstrap(archive, PACKAGES, "--variant=minbase", *left_out)
    for name in (STANDIN, LOADED):
        running.docker("import", f"--change=LABEL name={name}", str(archive), name)
    archive.unlink()


def load(running: Engine, image: str, command: str, folder: Path) -> None:
    """Put an image on every node by the command of --load-image."""
    archive = folder / "load.tar"
    running.docker("save", "--output", str(archive), image)
    done = subprocess.run(["sh", "-c", command, "load-image", str(archive)], capture_output=True, text=True, check=False)
    archive.unlink()
    assert done.returncode == 0, f"--load-image ended with {done.returncode}: {done.stderr}"


def registry_pods(*, loaded: bool) -> list[Manifest]:
    """The registry, on the loopback address of every node that takes pods."""
    container: dict[str, Any] = {
        "name": "registry",
        "image": LOADED if loaded else PUBLIC_REGISTRY,
        "imagePullPolicy": "IfNotPresent",
        "command": ["docker-registry" if loaded else "registry", "serve", "/etc/sampan/config.yml"],
        "env": [{"name": "OTEL_TRACES_EXPORTER", "value": "none"}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "settings", "mountPath": "/etc/sampan"}],
    }
    volumes = [{"name": "data", "emptyDir": {}}, {"name": "settings", "configMap": {"name": "registry"}}]
    pod = {"metadata": {"labels": {"app": "registry"}}, "spec": {"hostNetwork": True, "containers": [container], "volumes": volumes}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "registry", "namespace": NAMESPACE},
            "data": {"config.yml": SETTINGS},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "registry", "namespace": NAMESPACE},
            "spec": {"selector": {"matchLabels": {"app": "registry"}}, "template": pod},
        },
    ]


@contextmanager
def registry(cluster: Cluster, running: Engine, project: Path, load_command: str | None) -> Iterator[Registry]:
    """The registry with the stand-ins' image in it, for the block; its pods go with the suite's namespace."""
    with tempfile.TemporaryDirectory(prefix="sampan-images-") as name:
        make_standin(running, Path(name))
        if load_command:
            load(running, LOADED, load_command, Path(name))
    cluster.apply(registry_pods(loaded=bool(load_command)))
    cluster.kubectl("rollout", "status", "daemonset/registry", f"--namespace={NAMESPACE}", f"--timeout={STARTED_SECONDS}s")
    made = Registry(cluster, running, provide_bases(running, project))
    made.push(STANDIN, "standin")
    yield made


def build(made: Registry, project: Path, target: str, image: str, release: str) -> None:
    """Build a target of the project's Dockerfile, unchanged but for the digests of base images that were built here."""
    running = made.engine
    file = f"--file={bases.dockerfile(project, made.bases)}"
    arguments = [file, f"--build-arg=RELEASE={release}", "--build-arg=SOURCE=https://example.com/team/service"]
    running.docker(
        "buildx", "build", "--network=host", "--load", *arguments, f"--target={target}", f"--tag={image}", ".", cwd=project, timeout=1200
    )


def build_release(made: Registry, project: Path, service: str, release: str) -> Mapping[str, str]:
    """Build and push the three images of a release. Return their digests."""
    digests = {}
    for target in TARGETS:
        image = f"sampan/cluster-{target}:{release}"
        build(made, project, target, image, release)
        digests[target] = made.push(image, f"{service}/dev/{target}")
    return digests


def provide_bases(running: Engine, project: Path) -> Mapping[str, str]:
    """The images that the Dockerfile starts from: those that had to be made here, by their names in it."""
    with tempfile.TemporaryDirectory(prefix="sampan-bases-") as name:
        return bases.provide_bases(running, project, Path(name))
