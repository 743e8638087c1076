"""Settings: where they come from, and how wrong ones are named."""

from pathlib import Path

import pytest

from app.composition import discover, load_sections
from app.dev.services import Addresses, published
from app.doctor import setting_faults
from app.kit.configuration import (
    DEV_ADDRESSES,
    ConfigurationError,
    Environment,
    Section,
    environment_files,
    secret_faults,
)
from app.kit.redis_settings import RedisSettings
from app.settings import Settings


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without this test run's own addresses, in a directory of its own."""
    for name in ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT", "DEV_DATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project.env").write_text("SERVICE=shop\nLANGUAGES=en,id\n")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def faults(section: type[Section]) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        section.load()
    return sorted(fault.variable for fault in caught.value.faults)


def test_the_environment_wins_over_env_files(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Settings.load().service == "shop"
    (tmp_path / ".env").write_text("SERVICE=mine\n")
    assert Settings.load().service == "mine"
    variables.setenv("SERVICE", "theirs")
    assert Settings.load().service == "theirs"


def test_tests_do_not_read_a_developers_env_file(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables.setenv("ENVIRONMENT", "test")
    (tmp_path / ".env").write_text("SERVICE=mine\n")
    assert [file.name for file in environment_files()] == ["project.env"]
    assert Settings.load().service == "shop"


def test_commands_find_a_running_app_dev_unless_told_otherwise(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = Addresses("postgresql://postgres:@/app?host=%2Fa%20b&port=5432", "redis://127.0.0.1:1/0")
    (tmp_path / ".dev").mkdir()
    with published(tmp_path / ".dev", own):
        found = Settings.load()
        assert (found.database_url, found.redis_url) == (own.database_url, own.redis_url)
        (tmp_path / ".env").write_text("DATABASE_URL=postgresql://mine@127.0.0.1/x\n")
        assert Settings.load().database_url == "postgresql://mine@127.0.0.1/x"
        variables.setenv("DEV_DATA", str(tmp_path / "another"))
        assert Settings.load().redis_url is None
        variables.delenv("DEV_DATA")
        variables.setenv("ENVIRONMENT", "production")
        assert DEV_ADDRESSES not in [file.name for file in environment_files()]
    assert list((tmp_path / ".dev").iterdir()) == []


@pytest.mark.usefixtures("variables")
def test_addresses_of_a_killed_app_dev_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".dev").mkdir()
    (tmp_path / ".dev" / DEV_ADDRESSES).write_text("REDIS_URL='redis://127.0.0.1:1/0'\n")
    assert Settings.load().redis_url is None


def test_an_empty_variable_counts_as_absent(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("CACHE_REDIS_HOST", "")
    variables.setenv("DATABASE_PORT", "")
    assert Settings.load().database_port == 5432


def test_every_wrong_variable_is_named_in_a_line_of_its_own(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DATABASE_PORT", "x")
    variables.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["LOG_LEVEL", "DATABASE_PORT"]
    assert "expected: 1 to 65535" in lines[1]


def test_production_refuses_an_open_database(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("ENVIRONMENT", "production")
    assert faults(Settings) == ["DATABASE_PASSWORD", "DATABASE_SSL_MODE"]
    variables.setenv("DATABASE_URL", "postgresql://app@db.example.com/app")
    assert faults(Settings) == ["DATABASE_SSL_MODE", "DATABASE_URL"]
    variables.setenv("DATABASE_URL", "postgresql://app:secret@db.example.com/app?sslmode=require")
    assert faults(Settings) == ["DATABASE_SSL_MODE"]
    variables.setenv("DATABASE_SSL_MODE", "verify-full")
    assert Settings.load().database_ssl_mode == "verify-full"


def test_production_takes_a_socket_and_on_request_its_own_loopback(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("ENVIRONMENT", "production")
    variables.setenv("DATABASE_URL", "postgresql://app@/app?host=/run/postgresql")
    assert Settings.load().environment is Environment.PRODUCTION
    for host in ("127.0.0.1", "localhost", "[::1]"):
        variables.setenv("PLAIN_LOOPBACK", "false")
        variables.setenv("DATABASE_URL", f"postgresql://app@{host}/app")
        variables.setenv("REDIS_URL", f"redis://{host}:6379/0")
        assert faults(Settings) == ["DATABASE_SSL_MODE", "DATABASE_URL"]
        assert faults(RedisSettings) == ["REDIS_URL", "REDIS_URL"]
        variables.setenv("PLAIN_LOOPBACK", "true")
        assert Settings.load().plain_loopback
        assert RedisSettings.load().plain_loopback
    variables.setenv("REDIS_URL", "redis://cache.example.com:6379/0")
    assert faults(RedisSettings) == ["REDIS_URL", "REDIS_URL"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["REDIS_PASSWORD", "REDIS_TLS"]),
        ({"REDIS_TLS": "true"}, ["REDIS_PASSWORD"]),
        ({"REDIS_PASSWORD": "x"}, ["REDIS_TLS"]),
        ({"REDIS_URL": "redis://:secret@cache.example.com/0"}, ["REDIS_URL"]),
        ({"REDIS_URL": "rediss://cache.example.com/0"}, ["REDIS_URL"]),
        ({"REDIS_URL": "rediss://app@cache.example.com/0"}, ["REDIS_URL"]),
        ({"REDIS_URL": "rediss://app:s@c.example.com/0", "CACHE_REDIS_URL": "redis://c/0"}, ["CACHE_REDIS_URL"] * 2),
        ({"REDIS_URL": "rediss://app:s@c.example.com/0", "CACHE_REDIS_HOST": "c"}, ["REDIS_PASSWORD", "REDIS_TLS"]),
    ],
)
def test_outside_development_redis_needs_tls_and_a_password(
    variables: pytest.MonkeyPatch, given: dict[str, str], named: list[str]
) -> None:
    for environment in ("dev", "staging", "production"):
        variables.setenv("ENVIRONMENT", environment)
        for name, value in given.items():
            variables.setenv(name, value)
        assert faults(RedisSettings) == named
    assert not {"REDIS_URL", "REDIS_TLS", "REDIS_PASSWORD"} & set(faults(Settings))
    variables.setenv("ENVIRONMENT", "development")
    assert RedisSettings.load().redis_tls is (given.get("REDIS_TLS") == "true")


def test_redis_with_tls_and_a_password_is_enough(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("ENVIRONMENT", "production")
    variables.setenv("REDIS_TLS", "true")
    variables.setenv("REDIS_PASSWORD", "x")
    variables.setenv("CACHE_REDIS_HOST", "cache.example.com")
    assert RedisSettings.load().redis_tls
    variables.setenv("REDIS_URL", "rediss://app:secret@cache.example.com:6379/0")
    assert RedisSettings.load().redis_url


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        (Settings, "DATABASE_URL", "postgresql://app:app@db.example.com/app"),
        (Settings, "DATABASE_HOST", "10.0.0.7"),
        (RedisSettings, "REDIS_URL", "redis://cache:6379/0"),
        (RedisSettings, "CACHE_REDIS_HOST", "cache.example.com"),
    ],
)
def test_without_an_environment_no_server_of_another_machine_is_used(
    variables: pytest.MonkeyPatch, section: type[Section], name: str, value: str
) -> None:
    variables.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^ENVIRONMENT: is not set, and {name} names another machine; set"):
        section.load()
    variables.setenv("ENVIRONMENT", "")
    assert faults(section) == ["ENVIRONMENT"]
    # compose.yaml sets this for its own containers.
    variables.setenv("ENVIRONMENT", "development")
    assert section.load().environment is Environment.DEVELOPMENT


def test_passwords_of_two_servers_differ(variables: pytest.MonkeyPatch) -> None:
    for name, value in {"ENVIRONMENT": "production", "DATABASE_SSL_MODE": "verify-full"}.items():
        variables.setenv(name, value)
    variables.setenv("DATABASE_PASSWORD", "one password")
    variables.setenv("REDIS_PASSWORD", "one password")
    assert faults(Settings) == ["REDIS_PASSWORD"]


def test_the_doctor_names_all_of_it(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("ENVIRONMENT", "production")
    named = {line.partition(":")[0] for line in setting_faults()}
    assert {"DATABASE_PASSWORD", "DATABASE_SSL_MODE", "REDIS_TLS", "REDIS_PASSWORD"} <= named


def test_production_refuses_what_features_lack(variables: pytest.MonkeyPatch) -> None:
    load_sections(discover())
    variables.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError) as caught:
        load_sections(discover())
    assert len(caught.value.faults) >= 1
    assert all(fault.remedy for fault in caught.value.faults)


def test_a_default_language_outside_the_languages_is_refused(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DEFAULT_LANGUAGE", "th")
    assert faults(Settings) == ["DEFAULT_LANGUAGE"]


def test_addresses_are_built_from_their_parts(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DATABASE_PASSWORD", "p@ss/word")
    variables.setenv("REDIS_PASSWORD", "s:t")
    variables.setenv("REDIS_USERNAME", "app")
    variables.setenv("REDIS_TLS", "true")
    variables.setenv("CACHE_REDIS_HOST", "cache.example.com")
    settings = Settings.load()
    assert settings.database_address() == "postgresql://app:p%40ss%2Fword@127.0.0.1:5432/app"
    assert settings.redis_address() == "rediss://app:s%3At@127.0.0.1:6379/0"
    assert settings.cache_address() == "rediss://app:s%3At@cache.example.com:6379/0"


@pytest.mark.parametrize(
    ("value", "environment", "named"),
    [
        ("short", Environment.DEVELOPMENT, "has 5 characters"),
        ("d" * 32, Environment.PRODUCTION, "is the development default"),
        ("d" * 32, Environment.DEVELOPMENT, ""),
        ("e" * 32, Environment.PRODUCTION, "is the development default"),
        ("x" * 32, Environment.PRODUCTION, "repeats itself"),
        ("x" * 32, Environment.TEST, ""),
        ("abcdefghijkl" * 3, Environment.STAGING, "repeats itself"),
        ("0123456789abcdef0123456789abcde!", Environment.PRODUCTION, ""),
    ],
)
def test_a_secret_is_long_and_not_the_default(value: str, environment: Environment, named: str) -> None:
    found = [str(fault) for fault in secret_faults("KEY", value, {"d" * 32, "e" * 32}, environment)]
    assert (len(found), named in "".join(found)) == (1 if named else 0, True)
    assert value not in "".join(found)
