"""The Docker client with buildx and compose: the machine's, or else Debian's, unpacked beside the machine's own."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.harness import required

# Debian 12 has the engine but neither plugin. The next release has both.
PLUGINS_FROM = "trixie"


@dataclass(frozen=True)
class Client:
    """A `docker` and the folder of its configuration."""

    docker: str
    configuration: Path


def make_client(folder: Path) -> Client:
    """A client that has `buildx` and `compose`; its configuration, a new one, holds no credentials."""
    configuration = folder / "configuration"
    configuration.mkdir(parents=True, exist_ok=True)
    own = shutil.which("docker")
    if own and all(_answers(own, plugin) for plugin in ("buildx", "compose")):
        return Client(own, configuration)
    if not (folder / "client").exists():
        unpack(folder / "client", "docker-cli", "docker-buildx", "docker-compose")
    plugins = folder / "client/usr/libexec/docker/cli-plugins"
    (configuration / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugins)]}), encoding="utf-8")
    return Client(str(folder / "client/usr/bin/docker"), configuration)


def unpack(folder: Path, *packages: str) -> None:
    """Debian packages and what they need, unpacked and not installed."""
    archive = folder.with_suffix(".tar")
    debootstrap(archive, packages, "--variant=extract")
    folder.mkdir()
    subprocess.run([required("tar"), "-xf", archive, "-C", folder, "--exclude=./dev"], check=True)
    archive.unlink()


def debootstrap(archive: Path, packages: tuple[str, ...], *options: str) -> None:
    """A file system of Debian packages, as an archive."""
    command = [required("mmdebstrap"), "--quiet", f"--include={','.join(packages)}", *options, PLUGINS_FROM, str(archive)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, f"mmdebstrap: {run.stderr[-4000:]}"


def _answers(docker: str, plugin: str) -> bool:
    return subprocess.run([docker, plugin, "version"], capture_output=True, check=False).returncode == 0
