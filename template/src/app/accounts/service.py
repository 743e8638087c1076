"""The rules of accounts: registration, login, refresh, logout and profile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError

from app.accounts.addresses import as_stored
from app.accounts.audit import Actor, AuditAction, record
from app.accounts.lockout import Lockout
from app.accounts.models import LoginSession, RefreshToken, User
from app.accounts.passwords import Passwords
from app.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    EmailUnverified,
    LoginLocked,
    RefreshRaced,
    RefreshRefused,
    WrongCredentials,
)
from app.accounts.repository import AccountRepository, Credentials
from app.accounts.schemas import ProfileChange, TokenPair, UserCreate
from app.accounts.sessions import SessionStore
from app.accounts.settings import AccountsSettings
from app.accounts.tokens import Tokens
from app.kit import metrics
from app.kit.context import current_language
from app.kit.database import Database, UnitOfWork
from app.kit.features import FeatureError
from app.kit.identity import Principal
from app.kit.problems import NotFound, Problem, Unauthorized
from app.kit.resources import Resources

log = structlog.stdlib.get_logger(__name__)

# A refresh token that comes back this soon was sent twice by its owner, not stolen: it is refused, and no more.
RACE = timedelta(seconds=10)


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
    lockout: Lockout

    async def authenticate(self, token: str) -> Principal:
        """The owner of an access token. Raises Unauthorized or Unavailable."""
        return await self.sessions.authenticate(token)

    async def register(self, work: UnitOfWork, new: UserCreate, device: Device) -> User:
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
        record(work, AuditAction.REGISTERED, Actor(user.id, device.address), user.id)
        return user

    async def login(self, work: UnitOfWork, email: str, password: str, device: Device) -> TokenPair:
        """Open a session.

        Raises WrongCredentials, or LoginLocked after too many failures, in the same time and words whether or not
        the account exists. Raises AccountDisabled or EmailUnverified, to those who know the password.
        """
        name = as_stored(email)
        async with self.passwords.turn() as turn:
            found = await self._admit(name)
            right = await turn.matches(password, found.password_hash if found else None)
        if found is None or not right:
            await self._refuse(found, device, "password")
            raise WrongCredentials
        if obstacle := self._obstacle(found):
            await self._refuse(found, device, obstacle.slug)
            raise obstacle
        await self.lockout.clear(work.session, name)
        return await self._open(work, found.user_id, device)

    async def refresh(self, work: UnitOfWork, refresh_token: str, device: Device) -> TokenPair:
        """Exchange a refresh token for a new pair. One that was used before ends the session.

        Raises RefreshRefused, or RefreshRaced when its first use was just now: of two exchanges at once, one wins.
        """
        accounts = AccountRepository(work.session)
        stored = await accounts.lock_refresh_token(self.tokens.digest(refresh_token))
        found = await accounts.live_session(stored.session_id) if stored else None
        if stored is None or found is None:
            raise RefreshRefused
        session, user = found
        now = datetime.now(UTC)
        if stored.used_at is not None:
            if now - stored.used_at < RACE:
                raise RefreshRaced
            user_id, session_id = user.id, session.id
            # Gives connection and lock back: under a storm of reuses, none would be left to end the session with.
            await work.session.rollback()
            await self._end(user_id, session_id, device)
            raise RefreshRefused
        stored.used_at = now
        await accounts.prolong(session, self._expiry())
        return await self._pair(accounts, user.id, session.id)

    async def logout(self, work: UnitOfWork, actor: Actor, session_id: UUID) -> None:
        """End one of the actor's sessions. Raises NotFound."""
        if actor.user_id is None or not await AccountRepository(work.session).revoke(actor.user_id, session_id):
            raise NotFound
        record(work, AuditAction.LOGOUT, actor, actor.user_id, {"session": str(session_id)})
        work.after_commit(lambda: self.sessions.forget(session_id))

    async def logout_everywhere(self, work: UnitOfWork, actor: Actor, user_id: UUID, but: UUID | None = None) -> int:
        """End all sessions of a user, or all but one. Returns how many."""
        ended = await AccountRepository(work.session).revoke_all(user_id, but)
        record(work, AuditAction.LOGOUT_EVERYWHERE, actor, user_id, {"sessions": len(ended)})

        async def forget() -> None:
            for session_id in ended:
                await self.sessions.forget(session_id)

        work.after_commit(forget)
        return len(ended)

    async def profile(self, work: UnitOfWork, user: Principal) -> User:
        """The user's own record. Raises Unauthorized when it is gone."""
        found = await AccountRepository(work.session).user(user.user_id)
        if found is None:
            raise Unauthorized
        return found

    async def change_profile(self, work: UnitOfWork, user: Principal, change: ProfileChange, actor: Actor) -> User:
        """Change what the change names."""
        found = await self.profile(work, user)
        for field in sorted(change.model_fields_set):
            setattr(found, field, getattr(change, field))
        record(work, AuditAction.PROFILE_CHANGED, actor, found.id, {"fields": sorted(change.model_fields_set)})
        await self.reread(work, found.id)
        return found

    async def reread(self, work: UnitOfWork, user_id: UUID) -> None:
        """Have all sessions of a user see what this unit of work changes, as soon as it is committed."""
        sessions = [session.id for session in await AccountRepository(work.session).live_sessions(user_id)]

        async def reread() -> None:
            for session_id in sessions:
                await self.sessions.reread(session_id)

        work.after_commit(reread)

    async def live_sessions(self, work: UnitOfWork, user: Principal) -> Sequence[LoginSession]:
        """The user's live sessions, the last used first."""
        return await AccountRepository(work.session).live_sessions(user.user_id)

    async def note_failure(self, actor: Actor, user_id: UUID | None, reason: str) -> None:
        """Record a refusal in a unit of its own: the refusal rolls the request's unit back."""
        async with self.database.unit_of_work() as work:
            record(work, AuditAction.LOGIN_FAILED, actor, user_id, {"reason": reason})

    async def _admit(self, name: str) -> Credentials | None:
        # In a unit of its own: the attempt counts whatever becomes of it, and no connection waits for argon2.
        try:
            async with self.database.unit_of_work() as work:
                await self.lockout.admit(work.session, name)
                return await AccountRepository(work.session).credentials(name)
        except LoginLocked:
            metrics.LOGINS_FAILED.inc()
            raise

    def _obstacle(self, found: Credentials) -> Problem | None:
        if found.disabled:
            return AccountDisabled()
        if self.settings.require_verified_email and not found.verified:
            return EmailUnverified()
        return None

    async def _refuse(self, found: Credentials | None, device: Device, reason: str) -> None:
        """Note a refused login. An address that nobody has is not kept: it may be a password in the wrong field."""
        metrics.LOGINS_FAILED.inc()
        log.info("login refused", address=device.address, reason=reason)
        await self.note_failure(Actor(None, device.address), found.user_id if found else None, reason)

    async def _open(self, work: UnitOfWork, user_id: UUID, device: Device) -> TokenPair:
        accounts = AccountRepository(work.session)
        session = LoginSession(
            user_id=user_id, user_agent=device.user_agent[:300], address=device.address, expires_at=self._expiry()
        )
        await accounts.add(session)
        record(work, AuditAction.LOGIN, Actor(user_id, device.address), user_id, {"session": str(session.id)})
        metrics.LOGINS_SUCCEEDED.inc()
        return await self._pair(accounts, user_id, session.id)

    async def _end(self, user_id: UUID, session_id: UUID, device: Device) -> None:
        log.warning("used refresh token came back: session revoked", user_id=str(user_id))
        # In a unit of its own: the refusal that follows rolls the request's unit back.
        async with self.database.unit_of_work() as work:
            await AccountRepository(work.session).revoke(user_id, session_id)
            details = {"session": str(session_id)}
            record(work, AuditAction.REFRESH_REUSED, Actor(None, device.address), user_id, details)
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


def accounts_of(resources: Resources) -> AccountService:
    """The accounts of a process. Raises FeatureError when another feature signs users in."""
    if not isinstance(resources.authenticator, AccountService):
        raise FeatureError("account routes need the authenticator of accounts")
    return resources.authenticator
