"""Write to the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.audit.models import AuditEvent
from app.kit.context import current_request_id
from app.kit.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting user (None without a login) and the IP address."""

    user_id: UUID | None
    address: str


# The operator at the command line, whom the service cannot identify.
OPERATOR = Actor(None, "command line")


def record(
    work: UnitOfWork,
    action: str,
    actor: Actor,
    subject_id: UUID | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write an event in the unit of work. `details` must be JSON without secrets.

    Each feature names its own actions. They are kept for years: add to them, but never change one.
    """
    event = AuditEvent(
        action=action,
        actor_id=actor.user_id,
        subject_id=subject_id,
        address=actor.address,
        request_id=current_request_id(),
        details=dict(details or {}),
    )
    work.session.add(event)
