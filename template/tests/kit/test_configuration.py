"""Settings: where they come from, and how wrong ones are named."""

from pathlib import Path

import pytest

from app.features import discover
from app.kit.configuration import ConfigurationError, Environment, Section, environment_files, secret_faults
from app.kit.resources import load_sections
from app.settings import Settings


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without this test run's own addresses, in a directory of its own."""
    for name in ("DATABASE_URL", "REDIS_URL", "ENVIRONMENT"):
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
        ("x" * 32, Environment.PRODUCTION, ""),
    ],
)
def test_a_secret_is_long_and_not_the_default(value: str, environment: Environment, named: str) -> None:
    found = [str(fault) for fault in secret_faults("KEY", value, "d" * 32, environment)]
    assert (len(found), named in "".join(found)) == (1 if named else 0, True)
    assert value not in "".join(found)
