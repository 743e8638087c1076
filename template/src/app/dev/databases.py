"""Databases on a PostgreSQL server that belongs to the developer."""

import asyncpg
from sqlalchemy.engine import make_url

from app.kit.database import connection_arguments


async def ensure_database(url: str, name: str, *, fresh: bool = False) -> None:
    """Create a database on the server of a URL if it does not exist; with `fresh`, replace it."""
    arguments = connection_arguments(make_url(url))
    # A Unix socket has no TLS, so ignore PGSSLMODE from the developer's shell.
    tls = False if str(arguments["host"]).startswith("/") else None
    connection = await asyncpg.connect(**arguments, ssl=tls, timeout=30)
    try:
        if fresh:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
