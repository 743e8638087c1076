"""The command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.settings import Settings

OPEN_PRODUCTION = {"ENVIRONMENT": "production", "DATABASE_URL": "", "DATABASE_PASSWORD": ""}


def run(*arguments: str, **variables: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, arguments, env=variables)
    return result.exit_code, result.stdout


@pytest.mark.usefixtures("settings")
def test_doctor_is_content_with_sound_settings() -> None:
    assert run("doctor") == (0, "settings are sound, PostgreSQL and Redis answer\n")
    assert run("doctor", "--offline") == (0, "settings are sound\n")


def test_doctor_names_each_wrong_setting_and_its_remedy() -> None:
    status, output = run("doctor", **OPEN_PRODUCTION)
    lines = output.splitlines()
    assert status == 1
    assert lines[0].startswith("DATABASE_PASSWORD: is empty; ")
    assert all(": " in line and "; " in line for line in lines)
    assert len(lines) >= 3


def test_wrong_settings_end_a_command_with_one_line_each() -> None:
    command = [sys.executable, "-m", "app", "worker"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **OPEN_PRODUCTION}, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "DATABASE_SSL_MODE: " in done.stderr


@pytest.mark.parametrize("command", [["migrate"], ["dev", "--port", "0"]])
def test_a_database_out_of_reach_is_one_line(command: list[str], tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    data = ["--data", str(tmp_path)] if "dev" in command else []
    words = [sys.executable, "-m", "app", *command, *data]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **nowhere}, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("PostgreSQL does not answer: ")
    assert len(done.stderr.splitlines()) == 1


def test_addresses_of_another_kind_are_refused() -> None:
    status, output = run("doctor", DATABASE_URL="mysql://localhost/app", REDIS_URL="localhost:6379")
    assert status == 1
    assert [line.partition(":")[0] for line in output.splitlines()] == ["DATABASE_URL", "REDIS_URL"]


@pytest.mark.usefixtures("settings")
def test_openapi_documents_every_route() -> None:
    document = json.loads(run("openapi")[1])
    assert f"{Settings.load().route_prefix}/health/" in document["paths"]
    assert "/metrics" not in document["paths"]


def test_migrate_brings_the_database_up_to_date(settings: Settings) -> None:
    assert run("migrate") == (0, "database is at head\n")
