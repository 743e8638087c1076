"""The audit log as a feature of the service."""

from uuid import UUID

from app.audit.models import AuditEvent
from app.audit.retention import old_events
from app.audit.settings import AuditSettings
from app.composition import Feature
from app.kit.personal_data import Row, UserRows


def _without_others(event: Row, user_id: UUID) -> Row:
    """An event as the user it is about may see it: without the IP address and id of an administrator who acted."""
    return event if event["actor_id"] in (None, user_id) else {**event, "actor_id": None, "address": ""}


feature = Feature(
    name="audit",
    settings=AuditSettings,
    cron=(old_events,),
    # Events are kept for AUDIT_RETENTION_DAYS and contain only user ids. The database refuses to change an event.
    personal_data=(
        UserRows(AuditEvent, lambda user_id: AuditEvent.subject_id == user_id, shape=_without_others, kept=True),
    ),
)
