"""Settings of idempotency keys."""

from pydantic import Field

from app.kit.configuration import Section


class IdempotencySettings(Section):
    """How long an answer can be repeated."""

    idempotency_hours: int = Field(
        default=24, ge=1, le=8760, description="hours that an answer is repeated to the same Idempotency-Key, 1 to 8760"
    )
