"""The identity of the caller. One feature provides the authenticator; the others know only this module."""

from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from app.kit.context import use_language
from app.kit.problems import Unauthorized

ADMINISTRATOR = "admin"
_PRINCIPAL = "app.principal"


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in user. `email` is None until confirmed: messages are sent only to confirmed addresses.

    `language` is the user's own choice, one of LANGUAGES, or None.
    """

    user_id: UUID
    session_id: UUID
    roles: frozenset[str] = frozenset()
    email: str | None = None
    language: str | None = None


class Authenticator(Protocol):
    """Authenticates tokens."""

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token.

        Raises Unauthorized for an invalid token, and Unavailable if it cannot be checked.
        """

    async def administers(self, principal: Principal) -> bool:
        """Return whether the user is an administrator now, by data that only the owner of the accounts can change.

        Call it before anything that only administrators may do: `roles` may be out of date.
        """


async def current_user(request: Request) -> Principal:
    """Return the signed-in user of a request, authenticated once. Raises Unauthorized."""
    known: Principal | None = request.scope.get(_PRINCIPAL)
    if known is not None:
        return known
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized
    authenticator: Authenticator = request.app.state.resources.authenticator
    principal = await authenticator.authenticate(token.strip())
    structlog.contextvars.bind_contextvars(user_id=str(principal.user_id))
    if principal.language and principal.language in request.app.state.settings.language_codes:
        use_language(principal.language)
    request.scope[_PRINCIPAL] = principal
    return principal


class _SignedIn(HTTPBearer):
    """Returns the user and documents the scheme in OpenAPI. One dependency, because each one costs every request."""

    def __init__(self) -> None:
        super().__init__(scheme_name="HTTPBearer", bearerFormat="JWT", description="The access token of a login")

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]  # the user, not the credentials
        """The signed-in user. Raises Unauthorized."""
        return await current_user(request)


signed_in = _SignedIn()
CurrentUser = Annotated[Principal, Depends(signed_in)]
