"""`app doctor`: each fault in a line, with the variable and the remedy."""

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.exceptions import AuthenticationError, ReadOnlyError
from sqlalchemy.engine import make_url

from app import doctor
from app.doctor import link_faults, part_faults, setting_faults
from app.kit.configuration import ConfigurationError, Environment
from app.settings import Settings

WRONG = [
    ("DATABASE_PORT", "5432.5"),
    ("DATABASE_URL", "postgresql://u:secret@h:port/x"),
    ("DATABASE_URL", "postgresql://u:secret@h:0/x"),
    ("DATABASE_URL", "postgresql://u:secret@h:5432/"),
    ("DATABASE_URL", "postgresql:///x"),
    ("DATABASE_URL", "postgresql://[h/x"),
    ("DATABASE_SSL_ROOT_CERT", "/nowhere.pem"),
    ("DATABASE_STATEMENT_TIMEOUT", "nan"),
    ("REDIS_URL", "redis://:secret@h:99999/0"),
    ("REDIS_URL", "redis://:secret@h:1/x"),
    ("CACHE_REDIS_URL", "redis://"),
    ("REDIS_TLS", "maybe"),
    ("LANGUAGES", ","),
    ("LANGUAGES", "xx,en"),
    ("CURRENCY", "ZZZ"),
    ("TIME_ZONE", "Mars/Base"),
    ("ENVIRONMENT", "prod"),
    ("CORS_ORIGINS", "foo"),
    ("WORKER_CONCURRENCY", "many"),
    ("IDEMPOTENCY_HOURS", "0"),
    ("TASK_LEASE", "1"),
    ("PUBLIC_URL", "localhost"),
    ("ROUTE_PREFIX", "api"),
]


@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_wrong_value_is_one_line_with_its_variable_and_a_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = setting_faults()
    assert [line.partition(":")[0] for line in found] == [variable]
    assert "; " in found[0]
    assert "\n" not in found[0]
    assert "secret" not in found[0]


@pytest.mark.parametrize(
    ("environment", "url", "count"),
    [
        ("production", "http://127.0.0.1:8000", 1),
        ("dev", "https://service.invalid", 1),
        ("production", "https://api.example.com", 0),
        ("development", "http://127.0.0.1:8000", 0),
    ],
)
def test_links_that_lead_nowhere_are_found(settings: Settings, environment: str, url: str, count: int) -> None:
    changed = settings.model_copy(update={"environment": Environment(environment), "public_url": url})
    found = link_faults(changed)
    assert len(found) == count
    assert all(line.startswith("PUBLIC_URL: ") and "; set it to" in line for line in found)


def test_a_socket_and_a_database_by_its_number_are_addresses(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@/x?host=/run/postgresql")
    monkeypatch.setenv("REDIS_URL", "rediss://h/3")
    assert setting_faults() == []


def test_sound_parts_have_no_faults(settings: Settings) -> None:
    assert part_faults(settings) == []


def test_parts_out_of_reach_are_named_with_the_remedy(settings: Settings) -> None:
    nowhere = {"database_url": "postgresql://u@127.0.0.1:1/x", "redis_url": "redis://127.0.0.1:1/0"}
    own = settings.model_copy(update={**nowhere, "cache_redis_url": "redis://127.0.0.1:2/0"})
    faults = part_faults(own)
    assert [line.partition(":")[0] for line in faults] == ["DATABASE_URL", "REDIS_URL", "CACHE_REDIS_URL"]
    assert all("does not answer" in line and "app dev" in line for line in faults)
    parts = settings.model_copy(update={"database_url": None, "database_port": 1})
    assert [line.partition(":")[0] for line in part_faults(parts)] == ["DATABASE_HOST"]


def test_a_database_that_is_not_there_is_told(settings: Settings) -> None:
    url = make_url(settings.database_address()).set(database="nobody-made-this")
    own = settings.model_copy(update={"database_url": url.render_as_string(hide_password=False)})
    assert ["no database with that name" in line for line in part_faults(own)] == [True]


def test_missing_migrations_are_told(settings: Settings) -> None:
    server = os.environ["TEST_DATABASE_SERVER"]
    own = settings.model_copy(update={"database_url": server})
    assert ["run `app migrate`" in line for line in part_faults(own)] == [True]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_server_costs_seconds(settings: Settings, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE", -0.5)
    own = settings.model_copy(update={"database_url": f"postgresql://u@127.0.0.1:{silent}/x"})
    assert ["did not answer" in line for line in part_faults(own)] == [True]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.InvalidPasswordError("no"), "refuses the login"),
        (ssl.SSLCertVerificationError("no"), "certificate"),
        (asyncpg.TooManyConnectionsError("too many"), "too many"),
    ],
)
def test_what_postgresql_refuses_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    async def refuses() -> None:
        raise error

    monkeypatch.setattr(doctor, "connector", lambda *_arguments: refuses)
    assert [words in line for line in part_faults(settings)] == [True]


@pytest.mark.parametrize(
    ("error", "words"),
    [(AuthenticationError("WRONGPASS"), "refuses the login"), (ReadOnlyError("replica"), "refuses writes (replica)")],
)
def test_what_redis_refuses_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    class Refusing:
        async def set(self, *_arguments: object, **_options: object) -> None:
            raise error

        async def aclose(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(doctor, "connect", lambda _url: Refusing())
    assert [words in line for line in part_faults(settings)] == [True]


def test_a_certificate_bundle_that_is_there_is_accepted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setenv("DATABASE_SSL_ROOT_CERT", str(bundle))
    try:
        Settings.load()
    except ConfigurationError as error:
        raise AssertionError(str(error)) from error
