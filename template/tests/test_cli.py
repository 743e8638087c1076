"""The command line."""

import json
import sys

import pytest
from typer.testing import CliRunner

from app.cli import cli, main
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


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> list[str]:
    """Return the lines on standard error of a command that ends with status 1."""
    monkeypatch.setattr(sys, "argv", ["app", command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err.splitlines()


def test_wrong_settings_end_a_command_with_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in OPEN_PRODUCTION.items():
        monkeypatch.setenv(name, value)
    lines = refused(monkeypatch, capsys, "worker")
    assert [line for line in lines if line.startswith("DATABASE_SSL_MODE: ")]
    assert all(": " in line and "; " in line for line in lines)


def test_a_database_out_of_reach_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    (line,) = refused(monkeypatch, capsys, "migrate")
    assert line.startswith("PostgreSQL does not answer: ")


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
    assert run("migrate") == (0, "the database is up to date\n")
