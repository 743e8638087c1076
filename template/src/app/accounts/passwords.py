"""Password hashes: argon2id, off the event loop, two at a time."""

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.kit.problems import Unavailable

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane. Each hash under way costs that memory.
_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1
_AT_ONCE = 2
# Seconds to wait for a turn: beyond that the process has more logins than it can serve.
_WAIT = 5.0


class Passwords:
    """Hashes and checks. Raises Unavailable when too many wait for a turn."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))
        self._turns = asyncio.Semaphore(_AT_ONCE)
        # Checked for an unknown address, so that the answer takes as long as for a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash of a new password."""
        async with _Turn(self._turns):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether a password is right. False, after the same time, where there is no hash."""
        async with _Turn(self._turns):
            right = await asyncio.to_thread(self._hasher.verify, password, password_hash or self._nobody)
        return right and password_hash is not None


class _Turn:
    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns = turns

    async def __aenter__(self) -> None:
        try:
            await asyncio.wait_for(self._turns.acquire(), _WAIT)
        except TimeoutError:
            raise Unavailable from None

    async def __aexit__(self, *_exception: object) -> None:
        self._turns.release()
