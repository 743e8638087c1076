"""`app doctor`: find wrong settings, and servers that do not answer."""

import asyncio
import ssl
from collections.abc import Awaitable, Iterator

import asyncpg
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from app.composition import discover, load_sections
from app.kit.addresses import leads_nowhere
from app.kit.configuration import ConfigurationError, Fault
from app.kit.database import connector
from app.kit.redis import check_writable, connect
from app.migrations.failure import MigrationError
from app.migrations.revisions import TABLES, Revisions
from app.settings import Settings

# Time-out for each server, in seconds.
PATIENCE = 5.0


def setting_faults() -> list[str]:
    """Return one line per wrong setting: the variable, the fault, and the remedy."""
    found: list[str] = []
    for check in (Settings.load, lambda: load_sections(discover())):
        try:
            check()
        except ConfigurationError as error:
            found.extend(str(fault) for fault in error.faults)
    return list(dict.fromkeys(found))


def part_faults(settings: Settings) -> list[str]:
    """Return one line, with the remedy, for each server that does not answer or answers with an error."""
    return list(asyncio.run(_part_faults(settings)))


def link_faults(settings: Settings) -> list[str]:
    """Return a fault if PUBLIC_URL is unusable: the service then runs, but refuses to send messages with links."""
    if settings.environment.is_local or not leads_nowhere(settings.public_url):
        return []
    fault = f"is {settings.public_url}, so emails with links are refused"
    return [str(Fault("PUBLIC_URL", fault, "set it to the public URL of the service, such as https://api.example.com"))]


async def _part_faults(settings: Settings) -> Iterator[str]:
    redis = {"REDIS_URL": settings.redis_address()}
    if settings.cache_address() not in redis.values():
        redis["CACHE_REDIS_URL"] = settings.cache_address()
    checks = [_checked(_ask_postgresql(settings)), *(_checked(_ask_redis(*item)) for item in redis.items())]
    return (fault for fault in await asyncio.gather(*checks) if fault)


async def _checked(check: Awaitable[str]) -> str:
    try:
        return await asyncio.wait_for(check, PATIENCE + 1)
    except TimeoutError:
        return "a server accepted the connection but did not answer; check its log and the network"


async def _ask_postgresql(settings: Settings) -> str:
    start = "DATABASE_URL" if settings.database_url else "DATABASE_HOST"
    try:
        connection = await connector(settings, PATIENCE)()
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{start}: PostgreSQL refuses the login; set the user and password that the server knows"
    except asyncpg.InvalidCatalogNameError:
        return f"{start}: PostgreSQL has no database with that name; create it, or set another one"
    except ssl.SSLError as error:
        return f"DATABASE_SSL_ROOT_CERT: the server's certificate is not trusted ({_reason(error)}); set its CA bundle"
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return f"{start}: PostgreSQL does not answer ({_reason(error)}); start it, set another one, or run `app dev`"
    try:
        return await _find_migration_fault(connection)
    finally:
        await connection.close()


async def _find_migration_fault(connection: asyncpg.Connection) -> str:
    try:
        revisions = Revisions.read()
        revisions.check_heads()
    except MigrationError as error:
        return f"migrations: {error}"
    current: list[str] = []
    if await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        current = [str(row[0]) for row in await connection.fetch("SELECT version_num FROM alembic_version")]
    if gone := revisions.gone(current):
        tables = [str(row[0]) for row in await connection.fetch(TABLES)]
        return f"database: {revisions.explain_unknown(gone, tables)}"
    missing = revisions.missing(current)
    return f"database: migrations are missing ({', '.join(sorted(missing))}); run `app migrate`" if missing else ""


async def _ask_redis(variable: str, url: str) -> str:
    client = connect(url)
    try:
        await check_writable(client)
    except AuthenticationError:
        return f"{variable}: Redis refuses the login; set the REDIS_USERNAME and REDIS_PASSWORD that the server knows"
    except ResponseError as error:
        return f"{variable}: Redis refuses writes ({_reason(error)}); set the URL of a primary with free memory"
    except (RedisError, OSError) as error:
        return f"{variable}: Redis does not answer ({_reason(error)}); start it, set another one, or run `app dev`"
    finally:
        await client.aclose()
    return ""


def _reason(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
