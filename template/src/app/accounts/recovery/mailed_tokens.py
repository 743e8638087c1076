"""Tokens that are sent by email. They are stored as HMACs, expire, and can be used once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailedToken, Purpose, User
from app.accounts.sessions.tokens import Tokens

LIFETIMES = {
    Purpose.VERIFY_EMAIL: timedelta(days=2),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
    Purpose.CHANGE_EMAIL: timedelta(hours=2),
    # Long enough for somebody who reads that mailbox once a week.
    Purpose.RESTORE_EMAIL: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class Used:
    """A used token: the address to which it was sent, and the session that requested it."""

    email: str
    session_id: UUID | None


class MailedTokens:
    """Mailed tokens, through one database session."""

    def __init__(self, session: AsyncSession, tokens: Tokens) -> None:
        self._session = session
        self._tokens = tokens

    async def issue(
        self, user: User, purpose: Purpose, email: str = "", session_id: UUID | None = None
    ) -> tuple[str, datetime]:
        """Create a token, and return it with its expiry. Callers check the hourly limit of messages first.

        It is for the user's own address unless another is given.
        """
        token = self._tokens.random_token()
        return token, await self._add(token, user, purpose, email or user.email, session_id)

    async def reserve(self, user: User, former: str, nonce: str) -> None:
        """Reserve a former address of a user until the link that restores it expires: see `derived`."""
        await self._add(self.derived(nonce), user, Purpose.RESTORE_EMAIL, former, None)

    def derived(self, nonce: str) -> str:
        """Return the token that restores an address. A task's row holds only the nonce; the worker derives the token.

        The derivation needs SESSION_SECRET.
        """
        return self._tokens.mac(f"restore-email:{nonce}".encode()).hex()

    async def reserved(self, email: str, but: UUID | None = None) -> bool:
        """Return whether an address is reserved for a user, or for a user other than this one."""
        query = select(MailedToken.user_id).where(
            MailedToken.email == email,
            # The same expression as in the partial index, so that PostgreSQL uses it.
            text("mailed_tokens.purpose = 'restore-email'"),
            MailedToken.expires_at > func.now(),
        )
        if but is not None:
            query = query.where(MailedToken.user_id != but)
        return await self._session.scalar(query.limit(1)) is not None

    async def reserved_for(self, user_id: UUID) -> Sequence[str]:
        """The former addresses of a user that can still be restored."""
        lasts = MailedToken.expires_at > func.now()
        query = select(MailedToken.email).where(*_of(user_id, Purpose.RESTORE_EMAIL), lasts)
        return (await self._session.execute(query.distinct())).scalars().all()

    async def owner(self, token: str, purpose: Purpose) -> UUID | None:
        """Return the user of a token, or None if it is not valid. Lock that user, then `use` the token."""
        query = select(MailedToken.user_id).where(*self._live(token, purpose))
        return (await self._session.execute(query)).scalar_one_or_none()

    async def use(self, token: str, purpose: Purpose) -> Used | None:
        """Use a token. Return None if it is no longer valid.

        Of two uses at once, the second waits for the first and finds nothing.
        """
        query = delete(MailedToken).where(*self._live(token, purpose))
        row = (await self._session.execute(query.returning(MailedToken.email, MailedToken.session_id))).one_or_none()
        return Used(*row) if row is not None else None

    async def withdraw(self, user_id: UUID, purpose: Purpose) -> None:
        """Invalidate all tokens of a user."""
        await self._session.execute(delete(MailedToken).where(*_of(user_id, purpose)))

    async def remove_expired(self) -> None:
        """Delete expired tokens."""
        await self._session.execute(delete(MailedToken).where(MailedToken.expires_at < func.now()))

    async def _add(self, token: str, user: User, purpose: Purpose, email: str, session_id: UUID | None) -> datetime:
        now: datetime = (await self._session.execute(select(func.now()))).scalar_one()
        row = MailedToken(digest=self._digest(token), user_id=user.id, purpose=purpose, email=email)
        row.session_id, row.expires_at = session_id, now + LIFETIMES[purpose]
        self._session.add(row)
        return row.expires_at

    def _live(self, token: str, purpose: Purpose) -> tuple[ColumnElement[bool], ...]:
        return (
            MailedToken.digest == self._digest(token),
            MailedToken.purpose == purpose,
            MailedToken.expires_at > func.now(),
        )

    def _digest(self, token: str) -> bytes:
        return self._tokens.digest(f"mailed:{token}")


def _of(user_id: UUID, purpose: Purpose) -> tuple[ColumnElement[bool], ...]:
    return (MailedToken.user_id == user_id, MailedToken.purpose == purpose)
