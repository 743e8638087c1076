"""`sampan web`: its start, its end, and its refusals in one line."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from sampan import cli
from sampan.commands import web
from tests.harness import ROOT


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(["web", "--no-open", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} of 127.0.0.1 cannot be used" in refusal(capsys, "--port", port)


def test_others_are_served_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert "name the host that they use with --public NAME" in refusal(capsys, "--host", "0.0.0.0")  # noqa: S104  # it is refused


def test_an_address_of_another_machine_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "192.0.2.1" in refusal(capsys, "--host", "192.0.2.1", "--public", "sampan.example.com")


def test_without_the_extra_it_says_what_to_install(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str, *_: Any) -> Any:
        return None if name == "fastapi" else True

    monkeypatch.setattr(util, "find_spec", found)
    monkeypatch.setattr(web, "NEEDED", ("fastapi",))
    assert "pip install -e '.[web]'" in refusal(capsys)


def test_it_serves_until_it_is_interrupted(template: Path) -> None:
    command = [sys.executable, "-m", "sampan", "web", "--no-open", "--port", "0", "--template", str(template)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "extensions"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as running:
        try:
            assert running.stdout
            assert running.stderr
            url = re.search(r"http://127\.0\.0\.1:\d+/", running.stdout.readline())
            assert url
            with urllib.request.urlopen(url[0], timeout=60) as response:  # noqa: S310  # the URL that it printed
                assert b"Configure a FastAPI service on AWS" in response.read()
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) in {0, 130}
            assert running.stderr.read() in {"", "Stopped.\n"}
        finally:
            running.kill()
