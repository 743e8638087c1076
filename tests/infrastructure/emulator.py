"""AWS on this machine: the server of `cloud` in a process of its own, and what the plans find there."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # boto3 carries no types

from tests.harness import ROOT

START_SECONDS = 60
ACCOUNT = "123456789012"
"""The account that moto gives to every caller."""

# The developer's credentials and regions must not reach the tests, so these variables are removed.
_DROPPED = ("AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    endpoint: str

    def environment(self) -> dict[str, str]:
        """Environment variables of a process that takes the emulator for AWS."""
        kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "ap-southeast-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of the emulator."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  the emulator takes any
        )

    def publish_platform(self, project: Path, environment: str) -> None:
        """Seed the contract of the platform that the service root of `project` reads."""
        example = json.loads((project / "infra/service/platform-contract.example.json").read_text(encoding="utf-8"))
        value = {**example["value"], "environment": environment, "account_id": ACCOUNT}
        name = f"/platform/{value['platform']}/{environment}/contract"
        parameters = self.client("ssm", value["region"])
        parameters.put_parameter(Name=name, Value=json.dumps(value), Type="String", Overwrite=True)

    def trust_github(self) -> None:
        """Make the account's OIDC provider for GitHub, as another service would have done."""
        identities = self.client("iam", "us-east-1")
        if not identities.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            identities.create_open_id_connect_provider(
                Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
            )


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def emulated_aws(log: Path, *, record: bool = False) -> Iterator[Emulator]:
    """An AWS of its own on a free loopback port, stopped at the end. It may write every request beside its log, in a file `.calls`.

    While there is a file `.deny` beside the log, the number in it is how many more requests may change the account.
    """
    port = free_port()
    environment = {
        **os.environ,
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "RECORD_REQUESTS": str(log.with_suffix(".calls")) if record else "",
        "DENY_AFTER": str(log.with_suffix(".deny")),
    }
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.infrastructure.cloud", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
        try:
            _wait_for(port, server, log)
            yield Emulator(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    message = f"the emulator did not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
    raise RuntimeError(message)
