"""The drills' own rows, and row counts of all tables. Each call opens its own connection: a failover breaks them."""

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

CONNECT_SECONDS = 2
ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""The errors of an unreachable database; a timeout is an OSError."""


class Database:
    """A PostgreSQL database. The user of its URL can create tables: postgresql://migrations:…@host:5432/app?sslmode=…"""

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgresql+asyncpg://", "postgresql://")

    def elsewhere(self, host: str) -> "Database":
        """The same database and login on another host."""
        parts = urlsplit(self.url)
        login, _, _ = parts.netloc.rpartition("@")
        return Database(urlunsplit(parts._replace(netloc=f"{login}@{host}:{parts.port or 5432}")))

    def prepare(self) -> None:
        """An empty table for the drill."""
        self._execute("DROP TABLE IF EXISTS failover_drill")
        self._execute("CREATE TABLE failover_drill (number integer PRIMARY KEY)")

    def write(self, number: int) -> None:
        """Commit one row. Raises one of ERRORS when the database does not answer."""
        self._execute("INSERT INTO failover_drill VALUES ($1) ON CONFLICT DO NOTHING", number)

    def numbers(self) -> set[int]:
        """The rows that are there."""
        return {number for (number,) in self._fetch("SELECT number FROM failover_drill")}

    def clear(self) -> None:
        """Leave nothing behind."""
        self._execute("DROP TABLE IF EXISTS failover_drill")

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table except system tables, by `schema.table`."""
        names = self._fetch(
            "SELECT quote_ident(schemaname), quote_ident(relname) FROM pg_stat_user_tables ORDER BY 1, 2"
        )
        tables = [f"{schema}.{table}" for schema, table in names]
        return {table: self._fetch(f"SELECT count(*) FROM {table}")[0][0] for table in tables}  # noqa: S608  quoted names  # nosec B608

    def _execute(self, query: str, *values: int) -> None:
        self._fetch(query, *values)

    def _fetch(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        return asyncio.run(self._run(query, *values))

    async def _run(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS * 30)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
