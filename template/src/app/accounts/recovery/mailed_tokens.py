"""Tokens that travel by mail: kept as HMACs, good once and for a while."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailedToken, Purpose, User
from app.accounts.sessions.tokens import Tokens

LIFETIMES = {Purpose.VERIFY_EMAIL: timedelta(days=2), Purpose.RESET_PASSWORD: timedelta(hours=1)}


class MailedTokens:
    """Mailed tokens, through one database session."""

    def __init__(self, session: AsyncSession, tokens: Tokens) -> None:
        self._session = session
        self._tokens = tokens

    async def issue(self, user: User, purpose: Purpose) -> tuple[str, datetime]:
        """A new token and its end. The caller has counted the mail: an address gets a few an hour."""
        now = (await self._session.execute(select(func.now()))).scalar_one()
        token, expires_at = self._tokens.random_token(), now + LIFETIMES[purpose]
        row = MailedToken(digest=self._digest(token), user_id=user.id, purpose=purpose, email=user.email)
        row.expires_at = expires_at
        self._session.add(row)
        return token, expires_at

    async def owner(self, token: str, purpose: Purpose) -> UUID | None:
        """Return the user of a token, None when it is not valid. Lock that user, then `use` it."""
        query = select(MailedToken.user_id).where(*self._live(token, purpose))
        return (await self._session.execute(query)).scalar_one_or_none()

    async def use(self, token: str, purpose: Purpose) -> tuple[UUID, str] | None:
        """Use a token: the user, and the address that it was sent to. None when it stands no more.

        Of two uses at once, the second waits for the first and finds nothing.
        """
        query = delete(MailedToken).where(*self._live(token, purpose)).returning(MailedToken.user_id, MailedToken.email)
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row is not None else None

    async def withdraw(self, user_id: UUID, purpose: Purpose) -> None:
        """Make all tokens of a user void."""
        await self._session.execute(delete(MailedToken).where(*_of(user_id, purpose)))

    async def remove_expired(self) -> None:
        """Remove what stands no more."""
        await self._session.execute(delete(MailedToken).where(MailedToken.expires_at < func.now()))

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
