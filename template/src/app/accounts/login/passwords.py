"""Password hashes: argon2id, off the event loop, two at a time.

A password is hashed in Unicode's NFKC form, as NIST SP 800-63B asks: keyboards write one character in several ways.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.kit.lock_order import Rank, about_to_wait
from app.kit.problems import Unavailable

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane. Each concurrent hash needs that memory.
_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1
_AT_ONCE = 2
# Seconds to wait for a slot. A longer wait means that the process has more logins than it can serve.
_WAIT = 5.0


def argon2id() -> PasswordHash:
    """The parameters for hashing passwords. No setting can weaken them."""
    return PasswordHash((Argon2Hasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES),))


def normalised(password: str) -> str:
    """Return a password in the normalised form that is hashed."""
    return unicodedata.normalize("NFKC", password)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check: whether the password is right, and a new hash if the stored one is outdated."""

    right: bool
    new_hash: str | None = None


class Turn:
    """A hashing slot, until it is released."""

    def __init__(self, hasher: PasswordHash, threads: ThreadPoolExecutor, nobody: str) -> None:
        self._hasher = hasher
        self._threads = threads
        self._nobody = nobody

    async def hash(self, password: str) -> str:
        """Return the hash of a new password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, normalised(password))

    async def check(self, password: str, password_hash: str | None) -> Check:
        """Check a password. Without a hash, return "wrong" after the time that a check takes."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._check, password, password_hash)

    def _check(self, password: str, password_hash: str | None) -> Check:
        known = password_hash or self._nobody
        form = normalised(password)
        right = self._hasher.verify(form, known)
        outdated = self._hasher.current_hasher.check_needs_rehash(known)
        if not right and form != password:
            # Hashes that predate normalisation were made from the password exactly as typed.
            right = outdated = self._hasher.verify(password, known)
        if password_hash is None or not right:
            return Check(right=False)
        return Check(right=True, new_hash=self._hasher.hash(form) if outdated else None)


class Passwords:
    """Hashes and checks passwords. Raises Unavailable if too many callers wait for a slot."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        hasher = hasher or argon2id()
        # A dedicated pool limits the concurrent hashes, even if a caller gives up while its hash still runs. It also
        # limits the malloc arenas that keep a hash's memory.
        threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        # Verified when no user has the email address, so that the response takes as long as for a known one.
        self._turn = Turn(hasher, threads, hasher.hash("nobody has this password"))
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait for a slot, without a database connection (see `kit.lock_order`). Raises Unavailable after 5 s."""
        held = about_to_wait(Rank.HASHING)
        try:
            await asyncio.wait_for(self._turns.acquire(), _WAIT)
        except TimeoutError:
            raise Unavailable from None
        if held is not None:
            held.take(Rank.HASHING)
        try:
            yield self._turn
        finally:
            if held is not None:
                held.give_back(Rank.HASHING)
            self._turns.release()

    async def hash(self, password: str) -> str:
        """Wait for a slot, and return the hash of a new password."""
        async with self.turn() as turn:
            return await turn.hash(password)

    async def check(self, password: str, password_hash: str | None) -> Check:
        """Wait for a slot, and check a password."""
        async with self.turn() as turn:
            return await turn.check(password, password_hash)
