"""Tokens that travel by mail: kept as HMACs, good once and for a while, and a few at a time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailedToken, Purpose, User
from app.accounts.tokens import Tokens

LIFETIMES = {Purpose.VERIFY_EMAIL: timedelta(days=2), Purpose.RESET_PASSWORD: timedelta(hours=1)}
# So many an hour and purpose: nobody fills another's mailbox through this service.
MOST_AN_HOUR = 3


class MailedTokens:
    """Mailed tokens, through one database session."""

    def __init__(self, session: AsyncSession, tokens: Tokens) -> None:
        self._session = session
        self._tokens = tokens

    async def issue(self, user: User, purpose: Purpose) -> tuple[str, datetime] | None:
        """A new token and its end. None when the user was sent enough of them."""
        now = datetime.now(UTC)
        # Asked for twice at once, the second waits here and counts the first.
        await self._session.execute(select(User.id).where(User.id == user.id).with_for_update())
        recent = select(func.count()).where(*_of(user.id, purpose), MailedToken.created_at > now - timedelta(hours=1))
        if (await self._session.scalar(recent) or 0) >= MOST_AN_HOUR:
            return None
        token, expires_at = self._tokens.new_refresh(), now + LIFETIMES[purpose]
        row = MailedToken(digest=self._digest(token), user_id=user.id, purpose=purpose, email=user.email)
        row.expires_at = expires_at
        self._session.add(row)
        return token, expires_at

    async def stands(self, token: str, purpose: Purpose) -> bool:
        """Whether a token could be used."""
        query = select(MailedToken.digest).where(*self._live(token, purpose))
        return (await self._session.execute(query)).one_or_none() is not None

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
        # An hour longer, so that the count of the last hour stays true.
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        await self._session.execute(delete(MailedToken).where(MailedToken.expires_at < long_ago))

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
