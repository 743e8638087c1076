"""The issuer's public keys, fetched when needed and kept."""

import asyncio
import time

import httpx
import jwt
import structlog

from app.kit.problems import Unauthorized, Unavailable

log = structlog.stdlib.get_logger(__name__)

# Minimum seconds between two fetches for an unknown key id, because anybody can write one into a token.
REFRESH_PAUSE = 30.0
# Seconds without a fetch after a failure, so that callers do not queue up, each waiting for its own time-out.
FAILURE_PAUSE = 2.0


class IssuerKeys:
    """Public keys by their id."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self._client = client
        self._address = address
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK:
        """The key of an id. Raises Unauthorized for an unknown id, Unavailable when the issuer does not answer."""
        if key_id not in self._keys:
            async with self._fetching:
                if key_id not in self._keys and self._may_fetch():
                    await self._fetch()
        if key_id not in self._keys:
            raise Unauthorized
        return self._keys[key_id]

    def _may_fetch(self) -> bool:
        """Return whether to fetch the keys now. Raises Unavailable if the issuer failed a moment ago."""
        if self._failed_at is not None and time.monotonic() - self._failed_at < FAILURE_PAUSE:
            raise Unavailable
        return self._fetched_at is None or time.monotonic() - self._fetched_at > REFRESH_PAUSE

    async def _fetch(self) -> None:
        try:
            answer = await self._client.get(self._address)
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, TypeError, LookupError, AttributeError) as error:
            # The built-in errors mean that the response is not a valid set of keys.
            self._failed_at = time.monotonic()
            log.warning("issuer's keys not read", error=str(error) or type(error).__name__)
            raise Unavailable from error
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._fetched_at, self._failed_at = time.monotonic(), None
