"""Settings of the audit log."""

from pydantic import Field

from app.kit.configuration import Section


class AuditSettings(Section):
    """How long events stay."""

    audit_retention_days: int = Field(
        default=365, ge=30, le=3650, description="days that audit events stay, 30 to 3650"
    )
