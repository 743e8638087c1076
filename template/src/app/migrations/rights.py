"""The rights of the two database roles. Callers have checked that the names are plain identifiers."""

import asyncpg

from app.migrations.failure import MigrationError

# Rights and role memberships in this database. If they are equal before and after, nothing changed.
_HELD = """
    SELECT 'database', '', item::text FROM pg_database, unnest(datacl) AS item WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', nspname, item::text FROM pg_namespace, unnest(nspacl) AS item WHERE nspname = 'public'
    UNION ALL
    SELECT 'relation', relname, item::text FROM pg_class, unnest(relacl) AS item
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'default', defaclobjtype::text, item::text FROM pg_default_acl, unnest(defaclacl) AS item
    UNION ALL
    SELECT 'member', roleid::regrole::text, concat_ws(' ', member::regrole, inherit_option, set_option)
    FROM pg_auth_members
"""
# `app` must own none of these: the owner of a table can empty it and drop its triggers.
_OWNED = """
    SELECT coalesce(string_agg(relname, ', ' ORDER BY relname), '') FROM pg_class
    WHERE relowner = $1::text::regrole AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
"""
# `app` must not be a member of any role either, because it would have that role's rights.
_MEMBERSHIPS = """
    SELECT coalesce(string_agg(roleid::regrole::text, ', '), '') FROM pg_auth_members WHERE member = $1::text::regrole
"""
# Only tables and sequences that the migrations' role owns: those of an extension belong to its superuser.
_RELATIONS = """
    SELECT format('%I.%I', nspname, relname), relkind = 'S', relname = 'alembic_version' FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relowner = $1::text::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S')
"""
TABLE_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
SEQUENCE_RIGHTS = "USAGE, SELECT"


async def held(connection: asyncpg.Connection) -> set[tuple[str, ...]]:
    """Return the rights of PUBLIC in this database, for comparison."""
    return {tuple(row) for row in await connection.fetch(_HELD)}


async def put_right(connection: asyncpg.Connection, app: str, migrations: str) -> None:
    """Give each role exactly its rights, on existing and future objects. Raises MigrationError.

    `app` gets no TRUNCATE, because TRUNCATE would bypass the trigger that protects the audit log.
    """
    if owned := await connection.fetchval(_OWNED, app):
        raise MigrationError(f"{app} owns {owned}: run ALTER … OWNER TO {migrations} as the master user first")
    if memberships := await connection.fetchval(_MEMBERSHIPS, app):
        raise MigrationError(f"{app} belongs to {memberships}: run REVOKE {memberships} FROM {app} as the master user")
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    # The master user needs the owner's rights to alter the default privileges of another role (PostgreSQL 16).
    await connection.execute(f"GRANT {migrations} TO CURRENT_USER WITH INHERIT TRUE")
    for statement in (
        f"GRANT CONNECT ON DATABASE {database} TO {app}, {migrations}",
        # PUBLIC may create temporary tables by default, so revoking the right from one role would have no effect.
        f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM {app}, PUBLIC",
        f"GRANT TEMPORARY ON DATABASE {database} TO {migrations}",
        f"REVOKE CREATE ON SCHEMA public FROM {app}, PUBLIC",
        f"GRANT USAGE ON SCHEMA public TO {app}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {migrations}",
    ):
        await connection.execute(statement)
    for kind, rights in (("TABLES", TABLE_RIGHTS), ("SEQUENCES", SEQUENCE_RIGHTS)):
        coming = f"ALTER DEFAULT PRIVILEGES FOR ROLE {migrations} IN SCHEMA public"
        await connection.execute(f"{coming} REVOKE ALL ON {kind} FROM {app}")
        await connection.execute(f"{coming} GRANT {rights} ON {kind} TO {app}")
    for relation, is_sequence, is_record in await connection.fetch(_RELATIONS, migrations):
        rights = f"{SEQUENCE_RIGHTS} ON SEQUENCE" if is_sequence else f"{TABLE_RIGHTS} ON TABLE"
        await connection.execute(f"REVOKE ALL ON {'SEQUENCE' if is_sequence else 'TABLE'} {relation} FROM {app}")
        if is_record:
            # The record of applied migrations: the service only reads it, for the start-up probe.
            rights = "SELECT ON TABLE"
        await connection.execute(f"GRANT {rights} {relation} TO {app}")
