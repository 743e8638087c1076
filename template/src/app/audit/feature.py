"""The audit log as a feature of the service."""

from app.audit.retention import old_events
from app.audit.settings import AuditSettings
from app.composition import Feature

feature = Feature(name="audit", settings=AuditSettings, cron=(old_events,))
