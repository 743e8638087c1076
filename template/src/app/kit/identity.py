"""Who is calling. A feature brings the authenticator; the others know only this."""

from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.kit.context import use_language
from app.kit.problems import Unauthorized

ADMINISTRATOR = "admin"

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="The access token of a login")


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in user. `language` is the user's own choice, one of LANGUAGES, or None."""

    user_id: UUID
    session_id: UUID
    roles: frozenset[str] = frozenset()
    email: str | None = None
    language: str | None = None


class Authenticator(Protocol):
    """Tells a token's owner."""

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token.

        Raises Unauthorized for a token that does not stand, Unavailable when that cannot be told.
        """


async def current_user(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """The signed-in user of a request. Raises Unauthorized."""
    if credentials is None:
        raise Unauthorized
    authenticator: Authenticator = request.app.state.resources.authenticator
    principal = await authenticator.authenticate(credentials.credentials)
    structlog.contextvars.bind_contextvars(user_id=str(principal.user_id))
    if principal.language and principal.language in request.app.state.settings.language_codes:
        use_language(principal.language)
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]
