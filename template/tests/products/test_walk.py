"""The walk of a newcomer: one command starts everything, and a client does what clients do."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.composition import feature_packages
from app.dev.services import free_port
from tests.dev.process import DevProcess, app_dev, still_running

ANN = {"email": "ann@example.com", "password": "correct horse battery staple", "name": "Ann"}
DOCUMENT = Path(__file__).parents[2] / "docs/products.md"
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CSV = b"name,price_minor,currency\nCoffee,300,SGD\nCake,450,SGD\n"


@pytest.mark.skipif("accounts" not in feature_packages(), reason="another service signs the users in")
def test_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with app_dev(free_port(), tmp_path) as running:
        running.await_serving()
        everything = running.relatives()
        with httpx.Client(base_url=running.api, timeout=30) as client:
            walk(client)
            token = log_in(client, "dev@example.com", running.password())
        follow_output(running)
        check_doctor(running, monkeypatch)
        follow_document(running.api, token, tmp_path)
        assert running.interrupt() == 0, "".join(running.output)
        assert len(everything) >= 4
        assert still_running(everything) == []


def walk(client: httpx.Client) -> None:
    """Register, log in, create, read twice, import, list, log out; the old token is refused."""
    assert client.post("/v1/users", json=ANN).status_code == 201
    headers = {"Authorization": f"Bearer {log_in(client, ANN['email'], ANN['password'])}"}

    created = client.post("/v1/products", json={"name": "Tea", "price_minor": 250, "currency": "SGD"}, headers=headers)
    assert created.status_code == 201, created.text
    reads = [client.get(f"/v1/products/{created.json()['id']}", headers=headers) for _ in range(2)]
    assert [read.headers["x-cache"] for read in reads] == ["miss", "hit"]

    accepted = client.post("/v1/products/imports", files={"file": ("menu.csv", CSV, "text/csv")}, headers=headers)
    assert accepted.status_code == 202, accepted.text
    assert await_task(client, accepted.headers["location"], headers)["result"] == {"created": 2}

    listed = client.get("/v1/products", headers=headers).json()
    assert sorted(item["name"] for item in listed["items"]) == ["Cake", "Coffee", "Tea"]
    assert client.post("/v1/auth/logout", headers=headers).status_code == 204
    assert client.get("/v1/users/me", headers=headers).status_code == 401


def follow_output(running: DevProcess) -> None:
    """Run the commands that `app dev` printed, as a person copies them, and open the page that it names."""
    printed = "".join(running.output)
    # Other features may have a first request of their own.
    commands = [line.strip() for line in running.output if re.match("  TOKEN=|  curl.*/products", line)]
    assert [command.split("=")[0].split(" ")[0] for command in commands] == ["TOKEN", "curl"], printed
    done = run("bash", "-euo", "pipefail", "-c", "\n".join(commands))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["name"] == "Tea"
    page = re.search(r"^docs +(http\S+/docs), from (http\S+)$", printed, re.MULTILINE)
    assert page, printed
    assert all(httpx.get(url).status_code == 200 for url in page.groups())


def check_doctor(running: DevProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """`app doctor` in another terminal finds the servers of `app dev`."""
    for name in ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEV_DATA", str(running.data))
    beside = CliRunner().invoke(cli, ["doctor"])
    monkeypatch.undo()
    assert (beside.exit_code, beside.output) == (0, "settings are sound, PostgreSQL and Redis answer\n")


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def follow_document(api: str, token: str, folder: Path) -> None:
    """Run the requests of `docs/products.md`. `curl -f` fails where an answer is an error."""
    blocks = COMMANDS.findall(DOCUMENT.read_text(encoding="utf-8"))
    script = "\n".join(block for block in blocks if "curl" in block)
    assert script.count("curl -fsS") == 6
    environment = {**os.environ, "API": api, "TOKEN": token}
    done = run("bash", "-euo", "pipefail", "-c", script, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name":"Green tea"' in done.stdout


def log_in(client: httpx.Client, email: str, password: str) -> str:
    answer = client.post("/v1/auth/login", data={"username": email, "password": password})
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def await_task(client: httpx.Client, location: str, headers: dict[str, str]) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        task = client.get(client.base_url.join(location), headers=headers).json()
        if task["status"] not in ("queued", "running"):
            assert task["status"] == "succeeded", task
            return task
        time.sleep(0.1)
    raise AssertionError("the task did not finish in 30 s")
