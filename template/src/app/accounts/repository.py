"""Queries over users, sessions and refresh tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import LoginSession, RefreshToken, User
from app.kit.identity import ADMINISTRATOR

_Query = TypeVar("_Query", bound=Select[Any])

# Maximum number of sessions in a list, the most recently used first.
MOST_SESSIONS = 100
# Serialises administrators who delete their own accounts, so that one always remains.
_ADMINISTRATORS_LEAVE = 0x61646D696E
# The last use of a session is recorded at most once in this time.
_NOTED_FOR = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The columns of a user that a login needs."""

    user_id: UUID
    email: str
    password_hash: str
    disabled: bool
    verified: bool


class AccountRepository:
    """Accounts of one database session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: User | LoginSession | RefreshToken) -> None:
        """Insert a row. Raises IntegrityError if it violates a constraint."""
        self._session.add(row)
        await self._session.flush()

    async def user(self, user_id: UUID) -> User | None:
        """A user by id."""
        return await self._session.get(User, user_id)

    async def lock_user(self, user_id: UUID) -> User | None:
        """Return the current row of a user, locked until the transaction ends."""
        return (await self.lock_users({user_id})).get(user_id)

    async def lock_users(self, user_ids: set[UUID]) -> dict[UUID, User]:
        """Users by id, locked in the order of their ids (see `kit.lock_order`)."""
        query = select(User).where(User.id.in_(user_ids)).order_by(User.id)
        return {user.id: user for user in (await self._session.execute(_locked(query))).scalars()}

    async def lock_user_by_email(self, email: str) -> User | None:
        """A user by address, as stored, locked."""
        return (await self._session.execute(_locked(select(User).where(User.email == email)))).scalar_one_or_none()

    async def user_by_email(self, email: str) -> User | None:
        """A user by address, as stored."""
        return (await self._session.execute(select(User).where(User.email == email))).scalar_one_or_none()

    async def users(self, prefix: str, cursor: UUID | None, size: int) -> Sequence[User]:
        """Return at most `size` + 1 users whose address starts with a prefix, newest first, after the cursor."""
        query = select(User).order_by(User.id.desc()).limit(size + 1)
        if prefix:
            query = query.where(User.email.startswith(prefix, autoescape=True))
        if cursor:
            query = query.where(User.id < cursor)
        return (await self._session.execute(query)).scalars().all()

    async def credentials(self, email: str) -> Credentials | None:
        """Return the credentials of the user with a stored email address."""
        return await self._credentials(User.email == email)

    async def credentials_of(self, user_id: UUID) -> Credentials | None:
        """Return the credentials of a user, for a change of password."""
        return await self._credentials(User.id == user_id)

    async def _credentials(self, condition: ColumnElement[bool]) -> Credentials | None:
        verified = User.email_verified_at.is_not(None)
        query = select(User.id, User.email, User.password_hash, User.disabled_at.is_not(None), verified)
        row = (await self._session.execute(query.where(condition))).one_or_none()
        return Credentials(*row) if row is not None else None

    async def remove_user(self, user_id: UUID) -> None:
        """Delete a locked user, with sessions, refresh tokens and mailed tokens."""
        query = delete(User).where(User.id == user_id)
        await self._session.execute(query.execution_options(synchronize_session=False))

    async def another_administers(self, user_id: UUID) -> bool:
        """Return whether there is an enabled administrator other than this one.

        An advisory lock makes concurrent calls wait for each other's transaction, so one administrator remains. Those
        who demote or disable an administrator are administrators too, and remain.
        """
        await self._session.execute(select(func.pg_advisory_xact_lock(_ADMINISTRATORS_LEAVE)))
        others = select(User.id).where(
            User.id != user_id, User.disabled_at.is_(None), User.roles.contains([ADMINISTRATOR])
        )
        return await self._session.scalar(others.limit(1)) is not None

    async def next_generation(self, user_id: UUID) -> int:
        """Increment the version that open sessions check, and lock the user. Return 0 if there is no such user."""
        query = update(User).where(User.id == user_id).values(generation=User.generation + 1)
        query = query.returning(User.generation).execution_options(synchronize_session=False)
        return await self._session.scalar(query) or 0

    async def now(self) -> datetime:
        """Return the database's time, because the clocks of pods differ."""
        return (await self._session.execute(select(func.now()))).scalar_one()

    async def live_session(self, session_id: UUID) -> tuple[LoginSession, User, bool] | None:
        """Return a live session, its enabled user, and whether to record its use."""
        query = (
            select(LoginSession, User, LoginSession.last_used_at < func.now() - _NOTED_FOR)
            .join(User, User.id == LoginSession.user_id)
            .where(LoginSession.id == session_id, User.disabled_at.is_(None), *_live())
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1], row[2]) if row is not None else None

    async def live_sessions(self, user_id: UUID) -> Sequence[LoginSession]:
        """Return at most 100 live sessions of a user, the last used first."""
        query = select(LoginSession).where(LoginSession.user_id == user_id, *_live())
        query = query.order_by(LoginSession.last_used_at.desc()).limit(MOST_SESSIONS)
        return (await self._session.execute(query)).scalars().all()

    async def lock_refresh_token(self, digest: bytes) -> tuple[RefreshToken, LoginSession, timedelta | None] | None:
        """Return a refresh token, its live session, and the time since its use. Lock user, session and token in order.

        Of two concurrent exchanges, the second sees the effect of the first. Return None if the token, session or user
        is gone, revoked, expired or disabled. PostgreSQL checks this again on rows for which it waited.
        """
        query = (
            select(RefreshToken, LoginSession, func.clock_timestamp() - RefreshToken.used_at)
            .join(LoginSession, LoginSession.id == RefreshToken.session_id)
            .join(User, User.id == LoginSession.user_id)
            .where(RefreshToken.digest == digest, User.disabled_at.is_(None), *_live())
            .with_for_update(key_share=True, of=[User, LoginSession, RefreshToken])
        )
        row = (await self._session.execute(query)).one_or_none()
        return (row[0], row[1], row[2]) if row is not None else None

    async def revoke(self, user_id: UUID, session_id: UUID) -> bool:
        """Revoke a live session of a user. Return False if there is none."""
        return bool(await self._revoke(LoginSession.user_id == user_id, LoginSession.id == session_id))

    async def revoke_all(self, user_id: UUID, but: UUID | None = None) -> Sequence[UUID]:
        """Revoke all sessions of a user, or all but one. Return the ids of those that were live."""
        conditions = [LoginSession.user_id == user_id]
        return await self._revoke(*conditions, *([LoginSession.id != but] if but else []))

    async def exchange(self, token: RefreshToken, session: LoginSession, life: timedelta) -> None:
        """Record the use of a refresh token, and extend its session."""
        used = update(RefreshToken).where(RefreshToken.digest == token.digest).values(used_at=func.clock_timestamp())
        values = {"last_used_at": func.now(), "expires_at": func.now() + life}
        lasts = update(LoginSession).where(LoginSession.id == session.id).values(values)
        for query in (lasts, used):
            await self._session.execute(query.execution_options(synchronize_session=False))

    async def note_use(self, session_id: UUID) -> None:
        """Record the use of a session, at most once a minute."""
        stale = LoginSession.last_used_at < func.now() - _NOTED_FOR
        values = {"last_used_at": func.now()}
        await self._session.execute(update(LoginSession).where(LoginSession.id == session_id, stale).values(values))

    async def remove_ended(self, after: timedelta, used_after: timedelta) -> None:
        """Delete sessions some time after their end, and refresh tokens some time after their use."""
        moment = func.now() - after
        ended = or_(LoginSession.revoked_at < moment, LoginSession.expires_at < moment)
        await self._session.execute(delete(LoginSession).where(ended))
        await self._session.execute(delete(RefreshToken).where(RefreshToken.used_at < func.now() - used_after))

    async def _revoke(self, *conditions: ColumnElement[bool]) -> Sequence[UUID]:
        query = update(LoginSession).where(LoginSession.revoked_at.is_(None), *conditions).values(revoked_at=func.now())
        return (await self._session.execute(query.returning(LoginSession.id))).scalars().all()


def _live() -> tuple[ColumnElement[bool], ...]:
    return (LoginSession.revoked_at.is_(None), LoginSession.expires_at > func.now())


def _locked(query: _Query) -> _Query:
    # `FOR NO KEY UPDATE` allows others to write rows that refer to the user. `populate_existing` refreshes rows that
    # were read before.
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)
