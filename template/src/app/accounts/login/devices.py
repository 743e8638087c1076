"""Device cookies: failures from a known device are counted separately, so nobody can lock its owner out.

As OWASP describes (Slow Down Online Guessing Attacks with Device Cookies): a login leaves a cookie that only this
service can make. Failures with it count for that device, all others for the name. The cookie is not a credential: it
only selects the counter.
"""

import hmac
import secrets
from dataclasses import dataclass

from app.accounts.sessions.tokens import Tokens

# Browsers keep a cookie for 400 days at most (RFC 6265bis).
COOKIE_SECONDS = 400 * 86_400
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Devices:
    """Makes and reads the cookie of a device for a name, which is an email address as stored."""

    service: str
    tokens: Tokens

    @property
    def cookie_name(self) -> str:
        """Browsers send a cookie with this prefix only to this host, over TLS. Each service has its own name."""
        return f"__Host-device-{self.service}"

    def new_cookie(self, name: str) -> str:
        """Return the cookie of a device that has just logged in under a name."""
        nonce = secrets.token_hex(_NONCE_BYTES)
        return f"{nonce}.{self._mac(nonce, name)}"

    def knows(self, cookie: str, name: str) -> bool:
        """Return whether a cookie is from an earlier login under this name."""
        nonce, _, mac = cookie.partition(".")
        return hmac.compare_digest(mac.encode(), self._mac(nonce, name).encode())

    def counter(self, cookie: str, name: str) -> str:
        """Return the counter of a failure: the device, or the name if it is not known. No name has a line end."""
        return f"device {cookie.partition('.')[0]} of\n{name}" if self.knows(cookie, name) else name

    def _mac(self, nonce: str, name: str) -> str:
        return self.tokens.mac(f"device:{nonce}:{name}".encode()).hex()
