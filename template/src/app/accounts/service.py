"""The rules of accounts: registration, login, refresh, logout and profile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.accounts import metrics
from app.accounts.actions import AuditAction
from app.accounts.addresses import as_stored
from app.accounts.login.devices import Devices
from app.accounts.login.lockout import Lockout
from app.accounts.login.passwords import Passwords
from app.accounts.models import LoginSession, Purpose, RefreshToken, User
from app.accounts.problems import (
    AccountDisabled,
    EmailTaken,
    EmailUnverified,
    LoginLocked,
    RefreshRaced,
    RefreshRefused,
    WrongCredentials,
    WrongPassword,
)
from app.accounts.recovery.mailed_tokens import MailedTokens
from app.accounts.repository import AccountRepository, Credentials
from app.accounts.schemas import ProfileChange, TokenPair, UserCreate
from app.accounts.sessions.store import SessionStore
from app.accounts.sessions.tokens import Tokens
from app.accounts.settings import AccountsSettings
from app.audit.log import Actor, record
from app.composition import FeatureError, Resources
from app.kit.context import current_language
from app.kit.database import Database, UnitOfWork
from app.kit.identity import ADMINISTRATOR, Principal
from app.kit.problems import Forbidden, NotFound, Problem, Unauthorized, Unavailable

log = structlog.stdlib.get_logger(__name__)

# A refresh token that is presented again within this time was sent twice by its owner, not stolen. The request is
# refused, but the session stays open.
RACE = timedelta(seconds=10)
# Number of polls, and seconds between them, while other logins are checking as many attempts as are free.
_LOOKS, _LOOK_SECONDS = 50, 0.1

ReadCredentials = Callable[[AccountRepository], Awaitable[Credentials | None]]


@dataclass(frozen=True, slots=True)
class Device:
    """The origin of a login. `cookie` is the device cookie of an earlier login."""

    user_agent: str
    address: str
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a password: the user, whether it is right, and hashes to store."""

    found: Credentials | None
    right: bool
    renewed_hash: str | None = None
    new_hash: str = ""

    async def lock(self, work: UnitOfWork) -> User | None:
        """Return the locked user, or None unless the password is right and still the user's.

        None, too, if the email address was changed since: a session that is opened now would outlive the change.
        """
        if self.found is None or not self.right:
            return None
        user = await AccountRepository(work.session).lock_user(self.found.user_id)
        checked = (self.found.email, self.found.password_hash)
        return user if user is not None and (user.email, user.password_hash) == checked else None


@dataclass(frozen=True, slots=True)
class AccountService:
    """The operations on accounts, with the resources of the process."""

    settings: AccountsSettings
    database: Database
    tokens: Tokens
    sessions: SessionStore
    passwords: Passwords
    lockout: Lockout
    devices: Devices

    async def authenticate(self, token: str) -> Principal:
        """Return the owner of an access token. Raises Unauthorized or Unavailable."""
        return await self.sessions.authenticate(token)

    async def administers(self, principal: Principal) -> bool:
        """Return whether the user's row in PostgreSQL has the role of an administrator."""
        async with self.database.unit_of_work() as work:
            try:
                await self.administrator(work, principal)
            except (Unauthorized, Forbidden):
                return False
        return True

    async def administrator(self, work: UnitOfWork, principal: Principal) -> None:
        """Raise Forbidden unless PostgreSQL, not Redis, has a live session of an administrator."""
        found = await AccountRepository(work.session).live_session(principal.session_id)
        if found is None or found[1].id != principal.user_id:
            raise Unauthorized
        if ADMINISTRATOR not in found[1].roles:
            raise Forbidden

    async def register(self, work: UnitOfWork, new: UserCreate, password_hash: str, device: Device) -> User:
        """Create a user with the request's language. Raises EmailTaken.

        The password was hashed before the unit of work took a connection (see `kit.lock_order`).
        """
        user = User(email=new.email, name=new.name, password_hash=password_hash, language=current_language())
        try:
            await AccountRepository(work.session).add(user)
        except IntegrityError as error:
            raise EmailTaken from error
        # Check after the insert, which waits for any concurrent change away from this address: its reservation is
        # visible here.
        if await MailedTokens(work.session, self.tokens).reserved(user.email):
            raise EmailTaken
        record(work, AuditAction.REGISTERED, Actor(user.id, device.address), user.id)
        return user

    async def login(self, work: UnitOfWork, email: str, password: str, device: Device) -> TokenPair:
        """Open a session.

        Raises WrongCredentials, or LoginLocked after too many failures: the time and the text do not reveal whether
        the account exists. Raises AccountDisabled or EmailUnverified, but only after the right password.
        """
        name = as_stored(email)
        counter = self.devices.counter(device.cookie, name)
        checked, user = await self.check_and_lock(work, counter, password, lambda rows: rows.credentials(name))
        refusal = self._obstacle(user) if user else WrongCredentials()
        if user is None or refusal is not None:
            refusal = refusal or WrongCredentials()
            await self.give_back(work)
            await self._refuse(checked.found, counter, device, refusal)
            raise refusal
        if checked.renewed_hash:
            user.password_hash = checked.renewed_hash
        pair = await self._open(work, user.id, device)
        await self.lockout.clear(work.session, counter)
        return pair

    async def check_and_lock(
        self, work: UnitOfWork, counter: str, password: str, read: ReadCredentials, new_password: str = ""
    ) -> tuple[Checked, User | None]:
        """Check a password, hash its replacement, and lock the user. Return None if the password is wrong.

        All later decisions use the locked row, so a concurrent change of the password counts. The attempt is counted
        under `counter`: call `lockout.clear` after a success, or else `note_failure`. Call this before the unit of
        work takes a connection. Raises LoginLocked, or Unavailable if other attempts are being checked for seconds.
        """
        checked = await self._check(counter, password, read, new_password)
        user = await checked.lock(work)
        if checked.right and user is None:
            # The password was reset or rehashed by another login, so check it again.
            await self.give_back(work)
            checked = await self._check(counter, password, read, new_password)
            user = await checked.lock(work)
        return checked, user

    async def confirm_password(
        self, work: UnitOfWork, principal: Principal, password: str, address: str, new_password: str = ""
    ) -> tuple[Checked, User]:
        """Check the password of a user who is signed in, and lock the user. The session must still be live.

        An open session cannot guess the password faster than a login can, and too many attempts lock that session.
        Call `forget_failures` after a success. Raises WrongPassword, LoginLocked or Unauthorized.
        """
        counter = counter_of(principal)
        checked, user = await self.check_and_lock(
            work, counter, password, lambda rows: rows.credentials_of(principal.user_id), new_password
        )
        found = await AccountRepository(work.session).live_session(principal.session_id) if user else None
        if user is None or found is None:
            await self.give_back(work)
            actor = Actor(principal.user_id, address)
            await self.note_failure(counter, actor, principal.user_id, "current password")
            # The session may have ended since the request began, or the password may have been set by a mailed link.
            raise Unauthorized if user else WrongPassword
        return checked, user

    async def forget_failures(self, work: UnitOfWork, principal: Principal) -> None:
        """Forget the wrong passwords of a session after a right one."""
        await self.lockout.clear(work.session, counter_of(principal))

    async def refresh(self, work: UnitOfWork, refresh_token: str, device: Device) -> TokenPair:
        """Exchange a refresh token for a new pair. Using a token twice ends the session.

        Raises RefreshRefused, or RefreshRaced if the token was first used just now: one of two exchanges succeeds.
        """
        accounts = AccountRepository(work.session)
        found = await accounts.lock_refresh_token(self.tokens.digest(refresh_token))
        if found is None:
            raise RefreshRefused
        token, session, used_ago = found
        if used_ago is not None:
            if used_ago < RACE:
                raise RefreshRaced
            user_id, session_id = session.user_id, session.id
            # Release the connection first: otherwise many concurrent reuses would leave none for ending the session.
            await self.give_back(work)
            await self._end(user_id, session_id, device)
            raise RefreshRefused
        await accounts.exchange(token, session, self._life)
        return await self._pair(accounts, session.user_id, session.id)

    async def logout(self, work: UnitOfWork, actor: Actor, session_id: UUID) -> None:
        """End one of the actor's sessions. Raises NotFound."""
        if actor.user_id is None or not await AccountRepository(work.session).revoke(actor.user_id, session_id):
            raise NotFound
        record(work, AuditAction.LOGOUT, actor, actor.user_id, {"session": str(session_id)})
        user_id = actor.user_id
        work.after_commit(lambda: self.sessions.forget(user_id, session_id))

    async def logout_everywhere(self, work: UnitOfWork, actor: Actor, user_id: UUID, but: UUID | None = None) -> int:
        """End all sessions of a user, or all but one. Return their number."""
        # `announce` locks the user. A concurrent login or refresh either finishes first, and is revoked here, or sees
        # the change.
        await self.announce(work, user_id)
        ended = await AccountRepository(work.session).revoke_all(user_id, but)
        # The user may have lost a session to a thief who is now changing the address.
        await MailedTokens(work.session, self.tokens).withdraw(user_id, Purpose.CHANGE_EMAIL)
        record(work, AuditAction.LOGOUT_EVERYWHERE, actor, user_id, {"sessions": len(ended)})
        return len(ended)

    async def profile(self, work: UnitOfWork, user: Principal) -> User:
        """Return the user's own record. Raises Unauthorized if it was deleted."""
        found = await AccountRepository(work.session).user(user.user_id)
        if found is None:
            raise Unauthorized
        return found

    async def change_profile(self, work: UnitOfWork, user: Principal, change: ProfileChange, actor: Actor) -> User:
        """Update the fields that the change contains."""
        found = await AccountRepository(work.session).lock_user(user.user_id)
        if found is None or found.disabled_at:
            raise Unauthorized
        for field in sorted(change.model_fields_set):
            setattr(found, field, getattr(change, field))
        record(work, AuditAction.PROFILE_CHANGED, actor, found.id, {"fields": sorted(change.model_fields_set)})
        await self.announce(work, found.id)
        return found

    async def announce(self, work: UnitOfWork, user_id: UUID) -> None:
        """Make the changes visible in all sessions of a user after the commit."""
        generation = await AccountRepository(work.session).next_generation(user_id)
        work.after_commit(lambda: self.sessions.changed(user_id, generation))

    async def live_sessions(self, work: UnitOfWork, user: Principal) -> Sequence[LoginSession]:
        """Return the user's live sessions, the last used first."""
        return await AccountRepository(work.session).live_sessions(user.user_id)

    async def note_failure(self, counter: str, actor: Actor, user_id: UUID | None, reason: str) -> None:
        """Count and record a refusal in a separate unit of work, because the refusal rolls back that of the request."""
        async with self.database.unit_of_work() as work:
            await self.lockout.fail(work.session, counter)
            record(work, AuditAction.LOGIN_FAILED, actor, user_id, {"reason": reason})

    async def _check(self, counter: str, password: str, read: ReadCredentials, new_password: str) -> Checked:
        for _ in range(_LOOKS):
            async with self.passwords.turn() as turn:
                # Count the attempt only once it has a slot: an attempt that never gets one must not count. The separate
                # unit of work commits the count in any case, and holds no connection while argon2 runs.
                admitted, found = await self._admit(counter, read)
                if admitted:
                    check = await turn.check(password, found.password_hash if found else None)
                    new_hash = await turn.hash(new_password) if new_password and check.right else ""
                    return Checked(found, check.right, check.new_hash, new_hash)
            # Sleep without the slot, which the other attempts may need.
            await asyncio.sleep(_LOOK_SECONDS)
        raise Unavailable

    async def _admit(self, counter: str, read: ReadCredentials) -> tuple[bool, Credentials | None]:
        try:
            async with self.database.unit_of_work() as work:
                if not await self.lockout.admit(work.session, counter):
                    return False, None
                return True, await read(AccountRepository(work.session))
        except LoginLocked:
            metrics.LOGINS_FAILED.inc()
            metrics.LOGINS_LOCKED.inc()
            raise

    def _obstacle(self, user: User) -> Problem | None:
        """Return the problem that refuses a login despite the right password, if there is one."""
        if user.disabled_at:
            return AccountDisabled()
        if self.settings.require_verified_email and not user.email_verified_at:
            return EmailUnverified()
        return None

    async def give_back(self, work: UnitOfWork) -> None:
        """Release the connection and locks of a refused request before the next step takes a connection."""
        await work.session.rollback()

    async def _refuse(self, found: Credentials | None, counter: str, device: Device, refusal: Problem) -> None:
        """Record a refused login. Omit an unknown address, which may be a password typed into the wrong field."""
        reason = "password" if isinstance(refusal, WrongCredentials) else refusal.slug
        metrics.LOGINS_FAILED.inc()
        log.info("login refused", address=device.address, reason=reason)
        await self.note_failure(counter, Actor(None, device.address), found.user_id if found else None, reason)

    async def _open(self, work: UnitOfWork, user_id: UUID, device: Device) -> TokenPair:
        accounts = AccountRepository(work.session)
        session = LoginSession(
            user_id=user_id,
            user_agent=device.user_agent[:300],
            address=device.address,
            expires_at=func.now() + self._life,
        )
        await accounts.add(session)
        record(work, AuditAction.LOGIN, Actor(user_id, device.address), user_id, {"session": str(session.id)})
        metrics.LOGINS_SUCCEEDED.inc()
        return await self._pair(accounts, user_id, session.id)

    async def _end(self, user_id: UUID, session_id: UUID, device: Device) -> None:
        log.warning("used refresh token presented again: session revoked", user_id=str(user_id))
        # In a separate unit of work: the refusal rolls back that of the request.
        async with self.database.unit_of_work() as work:
            await AccountRepository(work.session).revoke(user_id, session_id)
            details = {"session": str(session_id)}
            record(work, AuditAction.REFRESH_REUSED, Actor(None, device.address), user_id, details)
            work.after_commit(lambda: self.sessions.forget(user_id, session_id))

    async def _pair(self, accounts: AccountRepository, user_id: UUID, session_id: UUID) -> TokenPair:
        refresh_token = self.tokens.random_token()
        await accounts.add(RefreshToken(digest=self.tokens.digest(refresh_token), session_id=session_id))
        return TokenPair(
            access_token=self.tokens.access(user_id, session_id),
            refresh_token=refresh_token,
            expires_in=self.settings.access_token_seconds,
        )

    @property
    def _life(self) -> timedelta:
        return timedelta(seconds=self.settings.session_seconds)


def counter_of(principal: Principal) -> str:
    """Return the counter for a session's wrong passwords. It contains a line end, which no username has."""
    return f"password in\n{principal.session_id}"


def accounts_of(resources: Resources) -> AccountService:
    """Return the accounts of a process. Raises FeatureError if another feature authenticates users."""
    if not isinstance(resources.authenticator, AccountService):
        raise FeatureError("account routes need the authenticator of accounts")
    return resources.authenticator
