"""Queries over users, sessions and refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import LoginSession, RefreshToken, User


class AccountRepository:
    """Accounts of one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: User | LoginSession | RefreshToken) -> None:
        """Write a row. Raises IntegrityError where it breaks a constraint."""
        self._session.add(row)
        await self._session.flush()

    async def user(self, user_id: UUID) -> User | None:
        """A user by id."""
        return await self._session.get(User, user_id)

    async def user_by_email(self, email: str) -> User | None:
        """A user by address, in lower case."""
        return (await self._session.execute(select(User).where(User.email == email))).scalar_one_or_none()

    async def credentials(self, email: str) -> tuple[UUID, str] | None:
        """Id and password hash of the user with an address, in lower case."""
        row = (
            await self._session.execute(select(User.id, User.password_hash).where(User.email == email))
        ).one_or_none()
        return (row[0], row[1]) if row is not None else None

    async def live_session(self, session_id: UUID) -> tuple[LoginSession, User] | None:
        """A session that is neither revoked nor expired, and its user."""
        query = (
            select(LoginSession, User)
            .join(User, User.id == LoginSession.user_id)
            .where(LoginSession.id == session_id, *_live())
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row is not None else None

    async def live_sessions(self, user_id: UUID) -> Sequence[LoginSession]:
        """All live sessions of a user, the last used first."""
        query = select(LoginSession).where(LoginSession.user_id == user_id, *_live())
        return (await self._session.execute(query.order_by(LoginSession.last_used_at.desc()))).scalars().all()

    async def lock_refresh_token(self, digest: bytes) -> RefreshToken | None:
        """A refresh token, locked: of two exchanges at once, the second sees what the first did."""
        query = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def revoke(self, user_id: UUID, session_id: UUID) -> bool:
        """Revoke a live session of a user. False when there is none."""
        query = (
            update(LoginSession)
            .where(LoginSession.id == session_id, LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
            .values(revoked_at=func.now())
            .returning(LoginSession.id)
        )
        return (await self._session.execute(query)).scalar_one_or_none() is not None

    async def prolong(self, session: LoginSession, expires_at: datetime) -> None:
        """Note that a session was used, and until when it lasts now."""
        session.expires_at = expires_at
        session.last_used_at = await self._session.scalar(select(func.now())) or session.last_used_at


def _live() -> tuple[ColumnElement[bool], ...]:
    return (LoginSession.revoked_at.is_(None), LoginSession.expires_at > func.now())
