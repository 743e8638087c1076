"""The container of `sampan web`: a pinned base, no root, nothing to write to but /tmp, bounded memory and CPU."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from sampan import cli, root
from tests.harness import ROOT, required

FOLDER = ROOT / "docs/hosting"
DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
VERSIONS = yaml.safe_load((root.catalogue() / "versions.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def web() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]["web"]
    return found


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    done = run(required("hadolint"), "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_compose_file_follows_its_schema() -> None:
    done = run(required("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_the_base_is_the_catalogues() -> None:
    base = f"python:{VERSIONS['python']}-slim-trixie@{VERSIONS['python_image_digest']}"
    assert [line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")] == [base, base]


def test_the_build_context_holds_what_the_wheel_needs() -> None:
    lines = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    taken = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert lines[1] == "*"
    assert taken == {"LICENSE", "README.md", "copier.yml", "extensions", "hatch_build.py", "pyproject.toml", "template"}
    assert all((ROOT / name).exists() for name in taken)


def test_nobody_is_root_and_nothing_is_written_outside_tmp(web: dict[str, Any]) -> None:
    assert "\nUSER 10001:10001\n" in DOCKERFILE
    assert (web["user"], web["read_only"], web["cap_drop"]) == ("10001:10001", True, ["ALL"])
    assert web["security_opt"] == ["no-new-privileges:true"]
    assert [path.partition(":")[0] for path in web["tmpfs"]] == ["/tmp"]  # noqa: S108  # of the container
    assert "size=" in web["tmpfs"][0]


def test_memory_processors_and_processes_are_bounded(web: dict[str, Any]) -> None:
    assert web["mem_limit"] == web["memswap_limit"] == "384m"
    assert web["cpus"] == 1.0
    assert web["pids_limit"] == 64


def test_the_port_is_open_to_this_host_alone(web: dict[str, Any]) -> None:
    assert web["ports"] == ["127.0.0.1:8180:8180"]


def test_the_command_is_one_that_sampan_takes(web: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)[0])
    arguments = [*entry[2:], *(argument.partition("=")[0] for argument in web["command"])]
    assert cli.run(["web", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in arguments if option.startswith("--"))
