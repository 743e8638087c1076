"""The embedded servers do not depend on the machine: its paths, locales, variables, users and older data."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.dev.servers import PostgresqlServer, ServicesError, ValkeyServer
from app.dev.services import running_services

# Starts both servers, writes to both and stops them, then repeats this with the data that they kept.
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of both servers, where those of PostgreSQL 16 were. Its path is too long for a socket."""
    data = tmp_path_factory.mktemp("host") / ("a" * 120)
    version = data / "postgresql/PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("16\n")
    with running_services(data, "app", durable=False):
        pass
    return data


def test_tests_replace_data_of_another_major(data: Path) -> None:
    assert (data / "postgresql/PG_VERSION").read_text().strip() != "16"


@pytest.mark.parametrize("temporary", ["places", "b" * 120], ids=["long", "long, TMPDIR too"])
def test_a_path_that_is_too_long_for_a_socket_does_not_matter(
    data: Path, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    places = folder_of_temporary_files(data.parent / temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    # Starting connects to both servers: it looks for the database, and waits for Valkey.
    with running_services(data, "app", durable=False):
        pass
    assert [file.name for file in places.iterdir()] == [".lockfile"]


def test_data_of_another_major_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    old_data = tmp_path / "old data"
    old_data.mkdir()
    (old_data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServicesError, match=r"PostgreSQL 16.*`rm -r '.*old data'`.*DATABASE_URL") as told:
        PostgresqlServer(old_data, "app", durable=True)
    assert "\n" not in str(told.value)
    assert (old_data / "PG_VERSION").exists()


def test_a_start_that_fails_is_one_line_with_reason_log_and_remedy(data: Path, tmp_path: Path) -> None:
    broken = tmp_path / "postgresql"
    broken.mkdir(mode=0o700)
    for name in ("PG_VERSION", "postgresql.conf"):
        shutil.copyfile(data / "postgresql" / name, broken / name)
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


def test_a_directory_serves_one_process_at_a_time_and_a_given_address_starts_nothing(tmp_path: Path) -> None:
    given = {"database_url": "postgresql://given", "redis_url": "redis://given"}
    with running_services(tmp_path, "app", durable=False, **given) as addresses:
        assert (addresses.database_url, addresses.redis_url) == ("postgresql://given", "redis://given")
        second = running_services(tmp_path, "app", durable=False, **given)
        with pytest.raises(ServicesError, match="another process"), second:
            pass
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]
