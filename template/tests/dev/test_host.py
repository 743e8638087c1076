"""The embedded servers do not depend on the machine: its paths, locales, variables, users and older data."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.dev.servers import PostgresqlServer, ServicesError, ValkeyServer
from app.dev.services import running_services

# Starts both servers, writes to both, and stops them; then once more, on what they kept.
START = """
import sys
from pathlib import Path

import asyncpg, asyncio, redis
from sqlalchemy.engine import make_url

from app.dev.services import running_services
from app.kit.database import connection_arguments

async def ask(url):
    connection = await asyncpg.connect(**connection_arguments(make_url(url)), ssl=False)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    await connection.execute("INSERT INTO kept VALUES (1)")
    print(await connection.fetchval("SELECT lower('ÄÖ') || count(*) FROM kept"))
    await connection.close()

for _ in range(2):
    with running_services(Path(sys.argv[1]), "app", durable=True) as addresses:
        asyncio.run(ask(addresses.database_url))
        with redis.Redis.from_url(addresses.redis_url) as client:
            print(client.incr("kept"))
"""
HOSTILE = {
    "LANG": "en_GB.UTF-8",
    "LC_CTYPE": "xx_YY",
    "PGPORT": "1",
    "PGDATA": "/nowhere",
    "PGHOST": "nowhere.invalid",
    "PGSSLMODE": "verify-full",
}


def folder_of_temporary_files(path: Path) -> Path:
    """A folder with a lock file of another user of the machine."""
    (path / ".lockfile").mkdir(parents=True)
    return path


def test_neither_path_nor_locale_nor_variables_matter(tmp_path: Path) -> None:
    places = folder_of_temporary_files(tmp_path / "places")
    variables = {key: value for key, value in os.environ.items() if key not in ("LC_ALL", "XDG_RUNTIME_DIR")}
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path / 'My Work, 50% o\'clock $HOME "x"')],
        env={**variables, **HOSTILE, "PYTHONUTF8": "1", "TMPDIR": str(places)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["äö1", "1", "äö2", "2"]
    assert [file.name for file in places.iterdir()] == [".lockfile"]


@pytest.mark.parametrize("temporary", ["places", "b" * 120], ids=["long", "long, TMPDIR too"])
def test_a_path_that_is_too_long_for_a_socket_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    places = folder_of_temporary_files(tmp_path / temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    # A start asks both servers: it makes the database, and waits for Valkey.
    with running_services(tmp_path / ("a" * 120), "app", durable=False):
        pass
    assert [file.name for file in places.iterdir()] == [".lockfile"]


@pytest.fixture
def old_data(tmp_path: Path) -> Path:
    """The data folder of PostgreSQL 16."""
    directory = tmp_path / "old data"
    directory.mkdir()
    (directory / "PG_VERSION").write_text("16\n")
    return directory


def test_data_of_another_major_is_one_line_with_the_remedy(old_data: Path) -> None:
    with pytest.raises(ServicesError, match=r"PostgreSQL 16.*`rm -r '.*old data'`.*DATABASE_URL") as told:
        PostgresqlServer(old_data, "app", durable=True)
    assert "\n" not in str(told.value)
    assert (old_data / "PG_VERSION").exists()


def test_tests_replace_data_of_another_major(old_data: Path) -> None:
    server = PostgresqlServer(old_data, "app", durable=False)
    server.start()
    server.stop()
    assert (old_data / "PG_VERSION").read_text().strip() != "16"


def test_a_start_that_fails_is_one_line_with_reason_log_and_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "postgresql"
    broken.mkdir()
    server = PostgresqlServer(broken, "app", durable=True)
    server.start()
    server.stop()
    (broken / "global/pg_control").unlink()
    with pytest.raises(ServicesError) as told, running_services(tmp_path, "app", durable=True):
        pass
    assert "could not find the database system" in str(told.value), told.value
    assert f"log: {broken / 'log'}" in str(told.value)
    assert "rm -r" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_valkey_that_does_not_start_is_one_line(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path, durable=True, options={"no-such-option": "1"})
    with pytest.raises(ServicesError, match=r"Valkey did not start: .*REDIS_URL") as told:
        server.start()
    assert "\n" not in str(told.value)
    assert not server.alive()


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the place of the folder")
    with pytest.raises(ServicesError, match="cannot be used"):
        PostgresqlServer(tmp_path / "data" / "server", "app", durable=True)
    with pytest.raises(ServicesError, match="--data"), running_services(tmp_path / "data", "app", durable=True):
        pass
