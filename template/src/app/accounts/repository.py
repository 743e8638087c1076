"""Queries over users, sessions and refresh tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import LoginSession, RefreshToken, User

# A user with more live sessions than this sees the last used ones.
MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login needs to know of a user."""

    user_id: UUID
    password_hash: str
    disabled: bool
    verified: bool


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
        """A user by address, as stored."""
        return (await self._session.execute(select(User).where(User.email == email))).scalar_one_or_none()

    async def users(self, prefix: str, cursor: UUID | None, size: int) -> Sequence[User]:
        """At most `size` + 1 users whose address starts with a prefix, newest first, after the cursor."""
        query = select(User).order_by(User.id.desc()).limit(size + 1)
        if prefix:
            query = query.where(User.email.startswith(prefix, autoescape=True))
        if cursor:
            query = query.where(User.id < cursor)
        return (await self._session.execute(query)).scalars().all()

    async def credentials(self, email: str) -> Credentials | None:
        """What a login needs of the user with an address, as stored."""
        query = select(User.id, User.password_hash, User.disabled_at.is_not(None), User.email_verified_at.is_not(None))
        row = (await self._session.execute(query.where(User.email == email))).one_or_none()
        return Credentials(*row) if row is not None else None

    async def live_session(self, session_id: UUID) -> tuple[LoginSession, User] | None:
        """A session that is neither revoked nor expired, and its user, who is not disabled."""
        query = (
            select(LoginSession, User)
            .join(User, User.id == LoginSession.user_id)
            .where(LoginSession.id == session_id, User.disabled_at.is_(None), *_live())
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1]) if row is not None else None

    async def live_sessions(self, user_id: UUID) -> Sequence[LoginSession]:
        """The live sessions of a user, the last used first, at most 100."""
        query = select(LoginSession).where(LoginSession.user_id == user_id, *_live())
        query = query.order_by(LoginSession.last_used_at.desc()).limit(MOST_SESSIONS)
        return (await self._session.execute(query)).scalars().all()

    async def lock_refresh_token(self, digest: bytes) -> RefreshToken | None:
        """A refresh token, locked: of two exchanges at once, the second sees what the first did."""
        query = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
        return (await self._session.execute(query)).scalar_one_or_none()

    async def revoke(self, user_id: UUID, session_id: UUID) -> bool:
        """Revoke a live session of a user. False when there is none."""
        return bool(await self._revoke(LoginSession.user_id == user_id, LoginSession.id == session_id))

    async def revoke_all(self, user_id: UUID, but: UUID | None = None) -> Sequence[UUID]:
        """Revoke all sessions of a user, or all but one. Returns the ids of those that lived."""
        conditions = [LoginSession.user_id == user_id]
        return await self._revoke(*conditions, *([LoginSession.id != but] if but else []))

    async def prolong(self, session: LoginSession, expires_at: datetime) -> None:
        """Note that a session was used, and until when it lasts now."""
        session.expires_at = expires_at
        session.last_used_at = await self._session.scalar(select(func.now())) or session.last_used_at

    async def note_use(self, session_id: UUID) -> None:
        """Note that a session was used, unless that was noted within the last minute."""
        stale = LoginSession.last_used_at < func.now() - timedelta(minutes=1)
        values = {"last_used_at": func.now()}
        await self._session.execute(update(LoginSession).where(LoginSession.id == session_id, stale).values(values))

    async def remove_ended(self, moment: datetime, refresh_moment: datetime) -> None:
        """Remove sessions that ended before a moment, and refresh tokens that were used before another."""
        ended = or_(LoginSession.revoked_at < moment, LoginSession.expires_at < moment)
        await self._session.execute(delete(LoginSession).where(ended))
        await self._session.execute(delete(RefreshToken).where(RefreshToken.used_at < refresh_moment))

    async def _revoke(self, *conditions: ColumnElement[bool]) -> Sequence[UUID]:
        query = update(LoginSession).where(LoginSession.revoked_at.is_(None), *conditions).values(revoked_at=func.now())
        return (await self._session.execute(query.returning(LoginSession.id))).scalars().all()


def _live() -> tuple[ColumnElement[bool], ...]:
    return (LoginSession.revoked_at.is_(None), LoginSession.expires_at > func.now())
