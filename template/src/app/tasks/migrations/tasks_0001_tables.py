"""Tasks, and the mails that they sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "tasks_0001"
down_revision = None
branch_labels = ("tasks",)
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempt_limit", sa.Integer(), nullable=True),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("context", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'dead')", name=op.f("ck_tasks_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_owner_id_id", "tasks", ["owner_id", "id"])
    op.create_index(
        "ix_tasks_unfinished", "tasks", ["due_at"], postgresql_where=sa.text("status IN ('queued', 'running')")
    )
    op.create_index("ix_tasks_owner_id_stored", "tasks", ["owner_id"], postgresql_where=sa.text("payload IS NOT NULL"))
    op.create_index(
        "ix_tasks_finished_at_stored",
        "tasks",
        ["finished_at"],
        postgresql_where=sa.text("payload IS NOT NULL AND finished_at IS NOT NULL"),
    )
    op.create_index("ix_tasks_dead", "tasks", ["id"], postgresql_where=sa.text("status = 'dead'"))
    op.create_table(
        "sent_mails",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_sent_mails")),
    )
    op.create_index("ix_sent_mails_recipient_kind", "sent_mails", ["recipient", "kind"])
    op.create_index("ix_sent_mails_created_at", "sent_mails", ["created_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("sent_mails")
    op.drop_table("tasks")
