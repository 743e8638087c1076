"""The audit log as a feature of the service."""

from app.composition import Feature
from app.audit.retention import old_events
from app.audit.settings import AuditSettings

feature = Feature(name="audit", settings=AuditSettings, cron=(old_events,))
