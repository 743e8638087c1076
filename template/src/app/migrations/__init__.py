"""Alembic's migrations, inside the package: the start-up check compares their heads with the database."""
