"""Queries over the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filter of a query; None matches everything."""

    action: str | None = None
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditRepository:
    """The log, through one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(self, wanted: AuditFilter, cursor: UUID | None, size: int) -> Sequence[AuditEvent]:
        """Return at most `size` + 1 events, newest first, after the cursor."""
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

    async def remove_older(self, age: timedelta, limit: int) -> int:
        """Delete at most `limit` events that are older by PostgreSQL's clock. Return their number."""
        old = select(AuditEvent.id).where(AuditEvent.occurred_at < func.now() - age).limit(limit)
        removed = delete(AuditEvent).where(AuditEvent.id.in_(old)).returning(AuditEvent.id)
        return len((await self._session.execute(removed)).all())
