"""The database's two roles: one changes tables, the other reads and writes rows. The master creates and corrects them.

The master user of a managed database is not a superuser. It may create roles and owns the database, which is enough.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator

import asyncpg
from pydantic import Field
from sqlalchemy.engine import make_url

from app.kit.configuration import Fault, Section, equal_faults
from app.kit.database import connector
from app.migrations.failure import MigrationError
from app.migrations.rights import held, put_right
from app.settings import Settings

# An arbitrary constant, different from the migrations'. Of two concurrent runs, the second waits.
ADVISORY_LOCK = 7_266_727
# The first version that records who inherits rights and who may assume a role (pg_auth_members, release notes of 16).
OLDEST_VERSION = 16
# PostgreSQL's own default, which is enough because the passwords are random and long.
SCRAM_ROUNDS = 4096

_NAME = "^[a-z_][a-z0-9_]{0,62}$"
_PASSWORD = "^[!-~]{16,}$"  # noqa: S105  the form of one
_PASSWORD_HELP = "at least 16 printable ASCII characters"  # noqa: S105  a description


class RoleSettings(Section):
    """Names and passwords of the roles. DATABASE_USER and DATABASE_PASSWORD are the master's meanwhile."""

    app_database_user: str = Field(pattern=_NAME, description="name of the role that API and worker connect as")
    app_database_password: str = Field(pattern=_PASSWORD, description=_PASSWORD_HELP)
    migrations_database_user: str = Field(pattern=_NAME, description="name of the role that changes tables")
    migrations_database_password: str = Field(pattern=_PASSWORD, description=_PASSWORD_HELP)

    def faults(self) -> Iterator[Fault]:
        """Refuse one role, or one password, for both."""
        if self.app_database_user == self.migrations_database_user:
            yield Fault("APP_DATABASE_USER", "is the migrations' role too", "name two roles")
        passwords = {
            "MIGRATIONS_DATABASE_PASSWORD": self.migrations_database_password,
            "APP_DATABASE_PASSWORD": self.app_database_password,
        }
        yield from equal_faults(passwords, self.environment)

    @property
    def passwords(self) -> dict[str, str]:
        """Role to password."""
        return {
            self.migrations_database_user: self.migrations_database_password,
            self.app_database_user: self.app_database_password,
        }


async def ensure_roles(settings: Settings, roles: RoleSettings) -> list[str]:
    """Create or correct both roles. Return one line per change. Raises MigrationError.

    A run that changes nothing writes nothing: it ends without a commit.
    """
    try:
        connection = await connector(settings)()
        try:
            transaction = connection.transaction()
            await transaction.start()
            changes = await _changes(connection, settings, roles)
            await (transaction.commit() if changes else transaction.rollback())
        finally:
            await connection.close()
    except (OSError, asyncpg.CannotConnectNowError) as error:
        raise MigrationError(f"PostgreSQL does not answer: {error}") from error
    except asyncpg.PostgresError as error:
        raise MigrationError(f"PostgreSQL refused: {error}. Is DATABASE_USER its master user?") from error
    for role, password in roles.passwords.items():
        if not await _logs_in(settings, role, password):
            raise MigrationError(f"{role} cannot log in with the password that was just set")
    return changes


async def _changes(connection: asyncpg.Connection, settings: Settings, roles: RoleSettings) -> list[str]:
    # Check the version first: an older server would fail because of a missing column, without naming the cause.
    if (version := connection.get_server_version().major) < OLDEST_VERSION:
        raise MigrationError(f"PostgreSQL {version} is too old: the roles need {OLDEST_VERSION} or newer")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ADVISORY_LOCK)
    before = await held(connection)
    changes = []
    for role, password in roles.passwords.items():
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{verifier(password)}'")
            changes.append(f"role {role}: created")
        elif not await _logs_in(settings, role, password):
            await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier(password)}'")
            changes.append(f"role {role}: password set")
    await put_right(connection, roles.app_database_user, roles.migrations_database_user)
    if await held(connection) != before:
        changes.append(f"rights of {' and '.join(roles.passwords)}: put in order")
    return changes


async def _logs_in(settings: Settings, role: str, password: str) -> bool:
    address = make_url(settings.database_address()).set(username=role, password=password)
    own = settings.model_copy(update={"database_url": address.render_as_string(hide_password=False)})
    try:
        connection = await connector(own)()
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    await connection.close()
    return True


def verifier(password: str, salt: bytes | None = None) -> str:
    """Return the verifier of a password (RFC 5803). It is sent instead of the password, so that no log contains it."""
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, SCRAM_ROUNDS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, client, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
