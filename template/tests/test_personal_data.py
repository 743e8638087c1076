"""Every table that refers to a user takes part in exports and deletions, and no export holds a secret."""

from sqlalchemy import LargeBinary, Table, Uuid

from app.composition import Resources, discover
from app.kit.database import Model
from app.kit.personal_data import UserRows

# Columns that hold the id of a user without a foreign key: owners may be users of another service.
OWNERS = {"actor_id", "created_by", "owner_id", "subject_id", "user_id"}


def refers_to_users(table: Table) -> bool:
    """Return whether a table refers to users: by the name of a column, or through foreign keys."""
    if any(column.name in OWNERS and isinstance(column.type, Uuid) for column in table.columns):
        return True
    others = {key.column.table for key in table.foreign_keys} - {table}
    return table.name == "users" or any(refers_to_users(other) for other in others)


def declared() -> list[UserRows]:
    return [rows for feature in discover() for rows in feature.personal_data]


def test_every_table_that_refers_to_a_user_is_declared() -> None:
    referring = {table.name for table in Model.metadata.sorted_tables if refers_to_users(table)}
    assert "tasks" in referring
    missing = sorted(referring - {rows.table.name for rows in declared()})
    assert missing == [], f"declare these in `personal_data` of their feature.py: {', '.join(missing)}"


def test_a_table_is_declared_once() -> None:
    names = [rows.table.name for rows in declared()]
    assert len(names) == len(set(names))


def test_no_secret_is_exported() -> None:
    for rows in declared():
        secret = {
            column.name
            for column in rows.table.columns
            if isinstance(column.type, LargeBinary) or any(word in column.name for word in ("password", "secret"))
        }
        assert secret <= rows.hidden, rows.table.name
        assert rows.hidden <= {column.name for column in rows.table.columns}, rows.table.name


async def test_the_process_knows_all_declarations(resources: Resources) -> None:
    assert [rows.table.name for rows in resources.personal_data] == [rows.table.name for rows in declared()]
