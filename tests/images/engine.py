"""A Docker engine of the tests' own: its data, its socket and, where containers run, its network are apart from the machine's.

Images are built beside the machine's network, without a bridge. Then the engine starts again in a network namespace, where it may make
bridges and packet filters as it likes, and where ports that containers publish meet no other. On Debian 12 it takes
`apt-get install docker.io mmdebstrap`, and root.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.harness import required
from tests.images.tools import Client

START_SECONDS = 30


class Engine:
    """`dockerd` on a folder. Not thread-safe; `stop` ends what `start` began, by its process id."""

    def __init__(self, root: Path, client: Client) -> None:
        self.root = root
        self.client = client
        self.daemon: subprocess.Popen[bytes] | None = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COMPOSE_", "BUILDX_"))},
            "DOCKER_HOST": f"unix://{root}/docker.sock",
            "DOCKER_CONFIG": str(client.configuration),
        }

    def start(self, *, isolated: bool) -> None:
        """Run the daemon and wait until it answers."""
        # Store images as a list of layers, as Docker did before its newest releases, because the tests compare layers.
        (self.root / "daemon.json").write_text('{"features": {"containerd-snapshotter": false}}', encoding="utf-8")
        options = {"data-root": "data", "exec-root": "exec", "pidfile": "pid", "config-file": "daemon.json"}
        command = [required("dockerd"), "--host", self.environment["DOCKER_HOST"]]
        # If the machine runs containerd, the daemon uses it, so its namespaces must differ from those of other engines.
        command += ["--containerd-namespace=sampan", "--containerd-plugins-namespace=sampan-plugins"]
        command += [f"--{option}={self.root / name}" for option, name in options.items()]
        if isolated:
            command = [required("unshare"), "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        else:
            command += ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        with (self.root / "dockerd.log").open("ab") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while self.run("version", check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                pytest.fail("dockerd does not start:\n" + (self.root / "dockerd.log").read_text(encoding="utf-8")[-3000:])
            time.sleep(0.2)

    def stop(self) -> None:
        """End the daemon, and with it its containers."""
        if self.daemon is None:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None

    def run(self, *arguments: str, check: bool = True, timeout: float = 600, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`docker …`. With `check`, a failure fails the test with what was said."""
        run = subprocess.run(
            [self.client.docker, *arguments],
            env=self.environment,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        if check and run.returncode != 0:
            pytest.fail(f"docker {' '.join(arguments)} ended with {run.returncode}\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}")
        return run

    def docker(self, *arguments: str, timeout: float = 600, cwd: Path | None = None) -> str:
        """Standard output of `docker …`, which must succeed."""
        return self.run(*arguments, timeout=timeout, cwd=cwd).stdout.strip()

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command from which the engine's published ports can be reached."""
        assert self.daemon is not None
        enter = [required("nsenter"), f"--net=/proc/{self.daemon.pid}/ns/net", "--"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
