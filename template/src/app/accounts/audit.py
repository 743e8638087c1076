"""The audit log: who did what to whose account, written in the transaction of what it records.

The application appends and reads. The database refuses changes (see the migration), and removal before 30 days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DateTime, Index, Text, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.context import current_request_id
from app.kit.database import Model, UnitOfWork
from app.kit.ids import new_id


class AuditAction(StrEnum):
    """The recorded actions. Their values are kept for years: add to them, but never change one."""

    REGISTERED = "user.registered"
    LOGIN = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGOUT = "session.ended"
    LOGOUT_EVERYWHERE = "sessions.ended"
    REFRESH_REUSED = "refresh.reused"
    EMAIL_VERIFIED = "email.verified"
    PASSWORD_RESET = "password.reset"  # noqa: S105  the name of an action
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  the name of an action
    PROFILE_CHANGED = "profile.changed"
    ROLES_CHANGED = "roles.changed"
    DISABLED = "user.disabled"
    ENABLED = "user.enabled"
    USERS_READ = "users.read"
    USER_READ = "user.read"
    AUDIT_READ = "audit.read"


class AuditEvent(Model):
    """One thing that happened. Users who are gone stay named by their ids."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_subject_id_id", "subject_id", "id"),
        Index("ix_audit_events_occurred_at", "occurred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    action: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    address: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, object]] = mapped_column(JSONB)


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who acts (None without a login) and the IP address."""

    user_id: UUID | None
    address: str


# An operator at the command line: the machine knows who that is, the service does not.
OPERATOR = Actor(None, "command line")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filter of a query; None matches everything."""

    action: AuditAction | None = None
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def record(
    work: UnitOfWork,
    action: AuditAction,
    actor: Actor,
    subject_id: UUID | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write an event with the unit of work. `details` must be JSON, and hold no secret."""
    event = AuditEvent(
        action=action,
        actor_id=actor.user_id,
        subject_id=subject_id,
        address=actor.address,
        request_id=current_request_id(),
        details=dict(details or {}),
    )
    work.session.add(event)


class AuditRepository:
    """The log, through one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, wanted: AuditFilter, cursor: UUID | None, size: int) -> Sequence[AuditEvent]:
        """At most `size` + 1 events, newest first, after the cursor."""
        conditions = [
            column == value
            for column, value in (
                (AuditEvent.action, wanted.action),
                (AuditEvent.actor_id, wanted.actor_id),
                (AuditEvent.subject_id, wanted.subject_id),
            )
            if value is not None
        ]
        if wanted.since:
            conditions.append(AuditEvent.occurred_at >= wanted.since)
        if wanted.until:
            conditions.append(AuditEvent.occurred_at < wanted.until)
        if cursor:
            conditions.append(AuditEvent.id < cursor)
        query = select(AuditEvent).where(*conditions).order_by(AuditEvent.id.desc()).limit(size + 1)
        return (await self._session.execute(query)).scalars().all()

    async def remove_older(self, moment: datetime, limit: int) -> int:
        """Remove events from before a moment, at most `limit`. Returns how many."""
        old = select(AuditEvent.id).where(AuditEvent.occurred_at < moment).limit(limit)
        removed = delete(AuditEvent).where(AuditEvent.id.in_(old)).returning(AuditEvent.id)
        return len((await self._session.execute(removed)).all())
