"""Authenticate another service's token: verify it with the issuer's keys, then ask whether its session is active."""

import hashlib
import time
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import jwt
import structlog
from pydantic import BaseModel, ValidationError

from app.kit.identity import ADMINISTRATOR, Principal
from app.kit.problems import Unauthorized, Unavailable
from app.remote_accounts.keys import IssuerKeys
from app.remote_accounts.settings import RemoteAccountsSettings

log = structlog.stdlib.get_logger(__name__)

# Seconds for which the issuer's answer is reused, and so the longest that a session lives on after its end there.
ANSWER_SECONDS = 30
# About 2 MiB. If a process serves more tokens within that time, it asks the issuer about some of them again.
MOST_ANSWERS = 4_096
# Allowed difference between the clocks of two machines, in seconds.
LEEWAY = 10
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid"]


class Introspection(BaseModel):
    """The issuer's answer about a token (RFC 7662)."""

    active: bool
    sub: UUID | None = None
    sid: UUID | None = None
    email: str | None = None
    language: str | None = None
    roles: list[str] = []


@dataclass(frozen=True, slots=True)
class RemoteAuthenticator:
    """Trusts one issuer. Its answers are kept in the process, not in Redis, where anyone who can write could sign
    users in and give them roles.
    """

    settings: RemoteAccountsSettings
    client: httpx.AsyncClient
    keys: IssuerKeys
    # Answers by the digest of the token, each with the time of its expiry, the oldest first.
    answers: dict[bytes, tuple[Introspection, float]] = field(default_factory=dict)

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token. Raises Unauthorized, or Unavailable when the issuer does not answer."""
        user_id, session_id = await self._verify(token)
        answer = await self._introspect(token)
        # The issuer's answer must be about this token's user and session.
        if not answer.active or (answer.sub, answer.sid) != (user_id, session_id):
            raise Unauthorized
        return Principal(user_id, session_id, frozenset(answer.roles), answer.email, answer.language)

    async def administers(self, principal: Principal) -> bool:
        """Return whether the issuer listed the role of an administrator within the last half minute."""
        return ADMINISTRATOR in principal.roles

    async def _verify(self, token: str) -> tuple[UUID, UUID]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self.keys.key(str(key_id))
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=self.settings.issuer_audience,
                issuer=self.settings.issuer_url,
                leeway=LEEWAY,
                options={"require": _REQUIRED},
            )
            return UUID(claims["sub"]), UUID(claims["sid"])
        except (jwt.InvalidTokenError, ValueError, AttributeError) as error:
            raise Unauthorized from error

    async def _introspect(self, token: str) -> Introspection:
        digest, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        kept = self.answers.get(digest)
        if kept is not None and now < kept[1]:
            return kept[0]
        answer = await self._ask(token)
        self.answers.pop(digest, None)
        if len(self.answers) >= MOST_ANSWERS:
            self.answers.pop(next(iter(self.answers)))
        self.answers[digest] = answer, now + ANSWER_SECONDS
        return answer

    async def _ask(self, token: str) -> Introspection:
        try:
            answer = await self.client.post(self.settings.introspection_address(), data={"token": token})
            answer.raise_for_status()
            return Introspection.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as error:
            log.warning("issuer did not answer", error=str(error) or type(error).__name__)
            raise Unavailable from error
