"""The tables of tasks, and of mails that tasks sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.database import Model
from app.kit.ids import new_id


class TaskStatus(StrEnum):
    """The state of a task. The last three are final, unless somebody replays the task.

    `failed` was refused by a rule of the service, `dead` ran out of attempts or of time, or needs a person first.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"


class Task(Model):
    """The work to do, its owner and its outcome. The row is authoritative; the queue holds only its id.

    `attempts` never decreases, so it identifies the current attempt. `lease_until` is when that attempt counts as lost
    unless it renews the lease; `losses` counts the lost attempts.

    `payload` may be large, so only queries that name it read it. It is set to null once the task has succeeded, or
    some days after the last attempt failed.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'succeeded', 'failed', 'dead')", name="status"),
        # The sweeper reads only what is unfinished, which stays small however long the history.
        Index("ix_tasks_unfinished", "due_at", postgresql_where=text("status IN ('queued', 'running')")),
        Index("ix_tasks_dead", "id", postgresql_where=text("status = 'dead'")),
        Index("ix_tasks_owner_id_id", "owner_id", "id"),
        # For the sum of bytes that each user's tasks store, and for the payloads that may be removed.
        Index("ix_tasks_owner_id_stored", "owner_id", postgresql_where=text("payload IS NOT NULL")),
        Index(
            "ix_tasks_finished_at_stored",
            "finished_at",
            postgresql_where=text("payload IS NOT NULL AND finished_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), deferred=True, deferred_raiseload=True
    )
    status: Mapped[str] = mapped_column(Text, default=TaskStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    attempt_limit: Mapped[int | None]
    losses: Mapped[int] = mapped_column(default=0)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    language: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    context: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    deadline_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SentMail(Model):
    """A mail that a task sent or is about to send, for the limits of its recipient, whose address is a SHA-256 here."""

    __tablename__ = "sent_mails"
    __table_args__ = (
        Index("ix_sent_mails_recipient_kind", "recipient", "kind"),
        Index("ix_sent_mails_created_at", "created_at"),
    )

    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
