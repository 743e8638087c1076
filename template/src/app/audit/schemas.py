"""The public form of events."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue


class AuditEventRead(BaseModel):
    """An event. `actor_id` is null if nobody was signed in, `subject_id` if it concerns no user."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    occurred_at: datetime
    action: str
    actor_id: UUID | None
    subject_id: UUID | None
    address: str
    request_id: str | None
    details: dict[str, JsonValue]
