"""Changes of an email address: the session that asked for a link, and former addresses that are reserved."""

import sqlalchemy as sa
from alembic import op

revision = "accounts_0002"
down_revision = "accounts_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("mailed_tokens", sa.Column("session_id", sa.Uuid(), nullable=True))
    # Locking the table is acceptable because it is small: it holds the links of the last few days.
    op.execute(
        "-- squawk-ignore require-concurrent-index-creation\n"
        "CREATE INDEX ix_mailed_tokens_reserved ON mailed_tokens (email) WHERE purpose = 'restore-email'"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_mailed_tokens_reserved", table_name="mailed_tokens")
    op.drop_column("mailed_tokens", "session_id")
