"""Writes the SQL of each migration into a file of its own: what check-migrations.sh reads. Needs no database.

Usage: migrations_sql.py FOLDER
"""

import io
import sys
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.migrations.runner import alembic_config

folder = Path(sys.argv[1])
for script in ScriptDirectory.from_config(alembic_config()).walk_revisions():
    text = io.StringIO()
    options = {"as_sql": True, "output_buffer": text, "literal_binds": True}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        script.module.upgrade()
    (folder / f"{script.revision}.sql").write_text(text.getvalue(), encoding="utf-8")
