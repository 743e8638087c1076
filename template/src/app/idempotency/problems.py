"""Problems of a repeated request."""

from app.kit.i18n import N_
from app.kit.problems import Problem


class KeyInUse(Problem):
    """The first request with this key has not ended."""

    status = 409
    slug = "idempotency-key-in-use"
    title = N_("Request in progress")
    detail = N_("A request with this Idempotency-Key is in progress. Try again in a moment.")

    def __init__(self) -> None:
        super().__init__({"Retry-After": "1"})


class KeyReused(Problem):
    """The key was already used for another request."""

    status = 422
    slug = "idempotency-key-reused"
    title = N_("Key already used")
    detail = N_("This Idempotency-Key was already used for another request. Choose a new one.")
