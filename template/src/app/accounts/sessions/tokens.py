"""Tokens: EdDSA access tokens, opaque refresh tokens, and the keys derived from the secrets."""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.accounts.schemas import JsonWebKey
from app.accounts.settings import AccountsSettings
from app.kit.problems import Unauthorized

# Allowed difference between the clocks of two machines, in seconds.
LEEWAY = 10
# About 1 MiB. A process that serves more tokens at a time verifies some of them more than once.
MOST_REMEMBERED = 4_096
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of an access token."""

    user_id: UUID
    session_id: UUID


class SigningKey:
    """An Ed25519 key derived from a secret by HKDF-SHA256. Its id is a digest of the public half."""

    def __init__(self, secret: str) -> None:
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"access-token").derive(secret.encode())
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key()
        self._raw = self.public.public_bytes_raw()
        self.id = hashlib.sha256(self._raw).hexdigest()[:16]

    def document(self) -> JsonWebKey:
        """The public half as a JSON Web Key."""
        return JsonWebKey(kid=self.id, x=base64.urlsafe_b64encode(self._raw).rstrip(b"=").decode())


class Tokens:
    """Makes and reads tokens. The first key signs; the previous one, if any, still verifies."""

    def __init__(self, settings: AccountsSettings) -> None:
        given = [settings.jwt_secret, settings.jwt_secret_previous]
        self.keys = [SigningKey(secret) for secret in given if secret]
        self._issuer = settings.public_url
        self._audience = settings.service
        self._life = settings.access_token_seconds
        self._session_secret = settings.session_secret.encode()
        self._verified: dict[bytes, tuple[Claims, int]] = {}

    def access(self, user_id: UUID, session_id: UUID) -> str:
        """Create an access token for a session."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "iat": now,
            "exp": now + self._life,
        }
        signer = self.keys[0]
        return jwt.encode(claims, signer.private, algorithm="EdDSA", headers={"kid": signer.id})

    def read(self, token: str) -> Claims:
        """Return the claims of an access token. Raises Unauthorized unless signature, times and audience are valid.

        A token is verified once in a process, then remembered until it expires. Its session is checked each time.
        """
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        claims, expires_at = self._verified.get(digest) or self._remember(digest, *self._verify(token))
        if expires_at + LEEWAY <= time.time():
            self._verified.pop(digest, None)
            raise Unauthorized
        return claims

    def _remember(self, digest: bytes, claims: Claims, expires_at: int) -> tuple[Claims, int]:
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[digest] = claims, expires_at
        return claims, expires_at

    def _verify(self, token: str) -> tuple[Claims, int]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = next((key for key in self.keys if key.id == key_id), None)
            if key is None:
                raise Unauthorized
            claims = jwt.decode(
                token,
                key.public,
                algorithms=["EdDSA"],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": _REQUIRED},
            )
            return Claims(UUID(claims["sub"]), UUID(claims["sid"])), int(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, AttributeError) as error:
            raise Unauthorized from error

    def random_token(self) -> str:
        """Create a refresh token: 256 random bits without content."""
        return secrets.token_urlsafe(32)

    def digest(self, value: str) -> bytes:
        """Return the HMAC that is stored instead of a refresh token or a session id."""
        return self.mac(value.encode())

    def mac(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message under SESSION_SECRET. Begin each message with its purpose."""
        return hmac.digest(self._session_secret, message, "sha256")
