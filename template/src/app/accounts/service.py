"""The rules of accounts: registration, login, refresh and logout."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError

from app.accounts.models import LoginSession, RefreshToken, User
from app.accounts.passwords import Passwords
from app.accounts.problems import EmailTaken, RefreshRefused, WrongCredentials
from app.accounts.repository import AccountRepository
from app.accounts.schemas import TokenPair, UserCreate
from app.accounts.sessions import SessionStore
from app.accounts.settings import AccountsSettings
from app.accounts.tokens import Tokens
from app.kit import metrics
from app.kit.context import current_language
from app.kit.database import Database, UnitOfWork
from app.kit.identity import Principal
from app.kit.problems import NotFound, Unauthorized

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class AccountService:
    """Accounts, over what lives as long as the process."""

    settings: AccountsSettings
    database: Database
    tokens: Tokens
    sessions: SessionStore
    passwords: Passwords

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token. Raises Unauthorized or Unavailable."""
        return await self.sessions.authenticate(token)

    async def register(self, work: UnitOfWork, new: UserCreate) -> User:
        """Write a new user who speaks the request's language. Raises EmailTaken."""
        user = User(
            email=new.email,
            name=new.name,
            password_hash=await self.passwords.hash(new.password),
            language=current_language(),
        )
        try:
            await AccountRepository(work.session).add(user)
        except IntegrityError as error:
            raise EmailTaken from error
        return user

    async def login(self, work: UnitOfWork, email: str, password: str, device: Device) -> TokenPair:
        """Open a session. Raises WrongCredentials, in the same time whether or not the account exists."""
        accounts = AccountRepository(work.session)
        found = await accounts.credentials(email.strip().lower())
        # The connection goes back to the pool while argon2 runs.
        await work.session.rollback()
        user_id, password_hash = found or (None, None)
        if not await self.passwords.matches(password, password_hash) or user_id is None:
            metrics.LOGINS_FAILED.inc()
            log.info("login refused", address=device.address)
            raise WrongCredentials
        session = LoginSession(
            user_id=user_id, user_agent=device.user_agent[:300], address=device.address, expires_at=self._expiry()
        )
        await accounts.add(session)
        metrics.LOGINS_SUCCEEDED.inc()
        return await self._pair(accounts, user_id, session.id)

    async def refresh(self, work: UnitOfWork, refresh_token: str) -> TokenPair:
        """Exchange a refresh token for a new pair. One that was used before ends the session. Raises RefreshRefused."""
        accounts = AccountRepository(work.session)
        stored = await accounts.lock_refresh_token(self.tokens.digest(refresh_token))
        found = await accounts.live_session(stored.session_id) if stored else None
        if stored is None or found is None:
            raise RefreshRefused
        session, user = found
        if stored.used_at is not None:
            user_id, session_id = user.id, session.id
            log.warning("used refresh token came back: session revoked", user_id=str(user_id))
            # Gives connection and lock back: under a storm of reuses, none would be left to end the session with.
            await work.session.rollback()
            await self._end(user_id, session_id)
            raise RefreshRefused
        stored.used_at = datetime.now(UTC)
        await accounts.prolong(session, self._expiry())
        return await self._pair(accounts, user.id, session.id)

    async def logout(self, work: UnitOfWork, user: Principal, session_id: UUID) -> None:
        """End one of the user's sessions. Raises NotFound."""
        if not await AccountRepository(work.session).revoke(user.user_id, session_id):
            raise NotFound
        work.after_commit(lambda: self.sessions.forget(session_id))

    async def profile(self, work: UnitOfWork, user: Principal) -> User:
        """The user's own record. Raises Unauthorized when it is gone."""
        found = await AccountRepository(work.session).user(user.user_id)
        if found is None:
            raise Unauthorized
        return found

    async def live_sessions(self, work: UnitOfWork, user: Principal) -> Sequence[LoginSession]:
        """The user's live sessions, the last used first."""
        return await AccountRepository(work.session).live_sessions(user.user_id)

    async def _end(self, user_id: UUID, session_id: UUID) -> None:
        # In a unit of its own: the refusal that follows rolls the request's unit back.
        async with self.database.unit_of_work() as work:
            await AccountRepository(work.session).revoke(user_id, session_id)
            work.after_commit(lambda: self.sessions.forget(session_id))

    async def _pair(self, accounts: AccountRepository, user_id: UUID, session_id: UUID) -> TokenPair:
        refresh_token = self.tokens.new_refresh()
        await accounts.add(RefreshToken(digest=self.tokens.digest(refresh_token), session_id=session_id))
        return TokenPair(
            access_token=self.tokens.access(user_id, session_id),
            refresh_token=refresh_token,
            expires_in=self.settings.access_token_seconds,
        )

    def _expiry(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.settings.session_seconds)
