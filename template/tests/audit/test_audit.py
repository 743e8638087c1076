"""The audit log: nobody changes it, and old events are removed."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from app.audit import retention
from app.audit.models import AuditEvent
from app.audit.retention import remove_old_events
from app.audit.settings import AuditSettings
from app.composition import Resources
from app.kit.configuration import ConfigurationError


def test_events_cannot_be_kept_for_less_than_the_database_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_RETENTION_DAYS", "29")
    with pytest.raises(ConfigurationError, match="AUDIT_RETENTION_DAYS"):
        AuditSettings.load()


async def count(resources: Resources) -> int:
    async with resources.database.unit_of_work() as work:
        return await work.session.scalar(select(func.count()).select_from(AuditEvent)) or 0


async def age(resources: Resources, days: int) -> None:
    """Write one event as if it were that old."""
    async with resources.database.unit_of_work() as work:
        occurred_at = datetime.now(UTC) - timedelta(days=days)
        work.session.add(AuditEvent(action="user.enabled", address="", details={}, occurred_at=occurred_at))


async def test_the_database_refuses_to_change_or_remove_what_is_recorded(resources: Resources) -> None:
    await age(resources, 29)
    for change in (update(AuditEvent).values(action="x"), delete(AuditEvent)):
        with pytest.raises(DBAPIError, match="audit events are not changed"):
            async with resources.database.unit_of_work() as work:
                await work.session.execute(change)
    assert await count(resources) == 1


async def test_old_events_are_removed_and_younger_ones_stay(resources: Resources) -> None:
    for days in (1, 364, 366, 800):
        await age(resources, days)
    await remove_old_events(resources)
    assert await count(resources) == 2
    await remove_old_events(resources)
    assert await count(resources) == 2


async def test_old_events_are_removed_in_batches_and_the_rest_an_hour_later(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 1)
    monkeypatch.setattr(retention, "_BATCHES", 2)
    for _ in range(3):
        await age(resources, 400)
    left = []
    for _ in range(3):
        await remove_old_events(resources)
        left.append(await count(resources))
    assert left == [1, 0, 0]
