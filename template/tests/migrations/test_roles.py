"""The roles of the database, on a server that asks for passwords, made by a master who is not a superuser."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import URL, make_url
from typer.testing import CliRunner

from app.cli import cli
from app.dev.servers import PostgresqlServer
from app.kit.database import Model, connection_arguments
from app.migrations.failure import MigrationError
from app.migrations.roles import RoleSettings, ensure_roles, verifier
from app.migrations.runner import upgrade
from app.settings import Settings
from tests.conftest import started

_Result = TypeVar("_Result")

MASTER, APP, MIGRATIONS = "the-masters-password", "the-apps-own-password", "the-migrations-password"
HBA = "local all postgres trust\nlocal all all scram-sha-256\n"


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    """A PostgreSQL whose only superuser is its keeper, and a database that belongs to a master."""
    # Not pytest's folder: another test run denies all other users access to it, and for root, PostgreSQL runs as
    # another user.
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "postgresql"
        postgresql = PostgresqlServer(directory, "postgres", durable=False)
        postgresql.start()
        (directory / "pg_hba.conf").write_text(HBA, encoding="utf-8")
        try:
            run(make_url(postgresql.address), "SELECT pg_reload_conf()")
            yield make_url(postgresql.address)
        finally:
            postgresql.stop()


@pytest.fixture
def master(server: URL, settings: Settings) -> Iterator[Settings]:
    """Return the master's settings for a new database, after removing the roles of earlier tests."""
    run(server, "CREATE DATABASE service")
    run(server, f"CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '{MASTER}'")
    run(server, "ALTER DATABASE service OWNER TO master")
    address = server.set(username="master", password=MASTER, database="service")
    yield settings.model_copy(update={"database_url": address.render_as_string(hide_password=False)})
    run(server, "DROP DATABASE service WITH (FORCE)")
    for role in ("app", "migrations", "master"):
        run(server, f"DROP ROLE IF EXISTS {role}")


def roles(app: str = APP, migrations: str = MIGRATIONS) -> RoleSettings:
    return RoleSettings(
        app_database_user="app",
        app_database_password=app,
        migrations_database_user="migrations",
        migrations_database_password=migrations,
    )


def asked(url: URL, question: Callable[[asyncpg.Connection], Awaitable[_Result]]) -> _Result:
    async def ask() -> _Result:
        connection = await asyncpg.connect(**connection_arguments(url))
        try:
            return await question(connection)
        finally:
            await connection.close()

    return asyncio.run(ask())


def run(url: URL, statement: str) -> None:
    asked(url, lambda connection: connection.execute(statement))


def settings_as(master: Settings, role: str, password: str) -> Settings:
    address = make_url(master.database_address()).set(username=role, password=password)
    return master.model_copy(update={"database_url": address.render_as_string(hide_password=False)})


def url_as(master: Settings, role: str, password: str) -> URL:
    return make_url(settings_as(master, role, password).database_address())


def ensure(master: Settings, wanted: RoleSettings) -> list[str]:
    return asyncio.run(ensure_roles(master, wanted))


def prepared(master: Settings) -> URL:
    """Create the roles, migrate, and return the URL with which the application connects."""
    ensure(master, roles())
    upgrade(settings_as(master, "migrations", MIGRATIONS))
    return url_as(master, "app", APP)


def test_migrations_run_as_one_role_and_requests_as_the_other(master: Settings) -> None:
    assert ensure(master, roles()) == [
        "role migrations: created",
        "role app: created",
        "rights of migrations and app: put in order",
    ]
    upgrade(settings_as(master, "migrations", MIGRATIONS))

    async def answer() -> httpx.Response:
        async with started(settings_as(master, "app", APP)) as application:
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(f"{master.route_prefix}/health/dependencies")

    response = asyncio.run(answer())
    assert response.status_code == 200, response.text


def test_the_application_reads_and_writes_the_rows_of_every_table(master: Settings) -> None:
    app = prepared(master)
    tables = [table.name for table in Model.metadata.sorted_tables]
    assert tables
    for table in tables:
        column = next(iter(Model.metadata.tables[table].columns)).name
        run(app, f"INSERT INTO {table} SELECT * FROM {table} WHERE false")  # noqa: S608  own names
        run(app, f"UPDATE {table} SET {column} = {column} WHERE false")  # noqa: S608  own names
        run(app, f"DELETE FROM {table} WHERE false")  # noqa: S608  own names


def test_the_application_changes_no_table_and_empties_none(master: Settings) -> None:
    app = prepared(master)
    for table in Model.metadata.sorted_tables:
        for statement in (
            f"TRUNCATE {table.name}",
            f"DROP TABLE {table.name}",
            f"ALTER TABLE {table.name} DISABLE TRIGGER ALL",
            f"CREATE INDEX ON {table.name} ({next(iter(table.columns)).name})",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                run(app, statement)
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "SET ROLE migrations",
        "CREATE ROLE another",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            run(app, statement)
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'app'::regrole AND deptype = 'o'"
    assert asked(app, lambda connection: connection.fetchval(owned)) == 0


def test_the_application_reads_which_migrations_ran_and_changes_nothing_of_it(master: Settings) -> None:
    app = prepared(master)
    for again in range(2):
        assert asked(app, lambda connection: connection.fetchval("SELECT count(*) FROM alembic_version"))
        for statement in (
            "DELETE FROM alembic_version",
            "UPDATE alembic_version SET version_num = 'x'",
            "INSERT INTO alembic_version VALUES ('x')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                run(app, statement)
        if not again:
            ensure(master, roles())


def test_a_second_run_writes_nothing(master: Settings, server: URL) -> None:
    prepared(master)
    # The superuser can also read the rows of passwords. A rewritten row has another version.
    catalogues = ("pg_authid", "pg_auth_members", "pg_class", "pg_default_acl", "pg_namespace")
    versions = " UNION ALL ".join(f"SELECT '{name}', xmin::text FROM {name}" for name in catalogues)  # noqa: S608  own names

    def state() -> list[tuple[str, str]]:
        rows = asked(server.set(database="service"), lambda connection: connection.fetch(versions))
        return sorted((row[0], row[1]) for row in rows)

    before = state()
    assert ensure(master, roles()) == []
    assert state() == before


def test_a_changed_password_is_taken(master: Settings) -> None:
    prepared(master)
    assert ensure(master, roles(app="another-password-of-app")) == ["role app: password set"]
    run(url_as(master, "app", "another-password-of-app"), "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        run(url_as(master, "app", APP), "SELECT 1")


def test_rights_that_went_astray_are_put_in_order(master: Settings) -> None:
    app = prepared(master)
    table = Model.metadata.sorted_tables[0].name
    migrations = url_as(master, "migrations", MIGRATIONS)
    run(migrations, f"GRANT TRUNCATE ON {table} TO app")
    run(migrations, f"REVOKE SELECT, INSERT ON {table} FROM app")
    assert ensure(master, roles()) == ["rights of migrations and app: put in order"]
    run(app, f"SELECT FROM {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        run(app, f"TRUNCATE {table}")


def test_an_application_that_owns_a_table_or_has_a_role_is_refused_by_name(master: Settings, server: URL) -> None:
    prepared(master)
    run(server.set(database="service"), "GRANT CREATE ON SCHEMA public TO app")
    run(url_as(master, "app", APP), "CREATE TABLE mine (id int)")
    with pytest.raises(MigrationError, match="app owns mine"):
        ensure(master, roles())
    run(url_as(master, "app", APP), "DROP TABLE mine")
    run(url_as(master, "master", MASTER), "GRANT migrations TO app")
    with pytest.raises(MigrationError, match="app belongs to migrations"):
        ensure(master, roles())


def test_migrations_before_the_roles_name_the_command_that_makes_them(master: Settings) -> None:
    with pytest.raises(MigrationError, match=r"PostgreSQL refuses the login.*`app database-roles` makes the roles"):
        upgrade(settings_as(master, "migrations", MIGRATIONS))


def test_a_wrong_master_is_one_sentence(master: Settings) -> None:
    prepared(master)
    with pytest.raises(MigrationError, match="PostgreSQL refused"):
        ensure(settings_as(master, "master", "not-the-password"), roles())
    with pytest.raises(MigrationError, match="PostgreSQL refused"):
        ensure(settings_as(master, "app", APP), roles(app="another-password-of-app"))


def test_the_command_says_what_changed_and_no_password(master: Settings) -> None:
    variables = {
        "DATABASE_URL": master.database_address(),
        "APP_DATABASE_USER": "app",
        "APP_DATABASE_PASSWORD": APP,
        "MIGRATIONS_DATABASE_USER": "migrations",
        "MIGRATIONS_DATABASE_PASSWORD": MIGRATIONS,
    }
    first = CliRunner().invoke(cli, ["database-roles"], env=variables)
    again = CliRunner().invoke(cli, ["database-roles"], env=variables)
    assert first.exit_code == 0, first.output
    assert "role app: created" in first.output
    assert again.output == "the roles are in order\n"
    assert not [word for word in (MASTER, APP, MIGRATIONS, "SCRAM") if word in first.output]


def test_only_a_hash_of_the_password_is_sent() -> None:
    # RFC 7677's example uses another password in the same format.
    made = verifier("pencil", salt=b"0123456789abcdef")
    assert made == verifier("pencil", salt=b"0123456789abcdef")
    assert made.startswith("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$")
    assert "pencil" not in made


def test_an_older_server_is_named_before_anything_is_written(
    server: URL, master: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL 15 lacks columns of pg_auth_members; the failure of that query hid the reason."""
    monkeypatch.setattr("app.migrations.roles.OLDEST_VERSION", 99)
    with pytest.raises(MigrationError, match=r"PostgreSQL \d+ is too old: the roles need 99 or newer"):
        ensure(master, roles())
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        run(server.set(username="app", password=APP, database="service"), "SELECT 1")
