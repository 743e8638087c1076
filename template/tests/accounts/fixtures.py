"""Sign in users of this service."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select, update

from app.accounts.administration.service import grant
from app.accounts.login.lockout import Lockout
from app.accounts.login.passwords import Passwords
from app.accounts.models import User
from app.accounts.repository import AccountRepository
from app.accounts.schemas import UserCreate
from app.accounts.service import AccountService, Device, accounts_of
from app.audit.models import AuditEvent
from app.composition import Resources
from app.kit.mail import Mail
from tests.identity import Confirm, SignedIn, SignIn

PASSWORD = "correct horse battery staple"
DEVICE = Device("tests", "127.0.0.1")


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Use cheap hashes, because nearly every test signs users in. A test may use `costly_passwords` instead."""
    hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.accounts.feature.Passwords", lambda: Passwords(hasher))
        yield


@pytest.fixture
def costly_passwords(resources: Resources, accounts: AccountService) -> None:
    """Use the hashes of production for users that a test creates after this."""
    resources.authenticator = replace(accounts, passwords=Passwords())


@pytest.fixture
def sign_in(client: httpx.AsyncClient, resources: Resources) -> SignIn:
    """Make a user without the mail of a registration, and open a session. `register` does so by requests."""

    async def sign_in(email: str = "ann@example.com", role: str | None = None) -> SignedIn:
        # One unit of work instead of two requests, because most tests sign in.
        accounts, new = accounts_of(resources), UserCreate(email=email, password=PASSWORD, name="Ann")
        password_hash = await accounts.passwords.hash(PASSWORD)
        async with resources.database.unit_of_work() as work:
            user = await AccountRepository(work.session).user_by_email(email)
            user = user or await accounts.register(work, new, password_hash, DEVICE)
            if role:
                await grant(work, email, role)
            pair = await accounts._open(work, user.id, DEVICE)
        return SignedIn(client, str(user.id), email, pair.access_token)

    return sign_in


@pytest.fixture
def register(client: httpx.AsyncClient, resources: Resources) -> SignIn:
    """Register a user and log in by requests: the welcome mail is queued, and the audit log knows both requests."""

    async def register(email: str = "ann@example.com", role: str | None = None) -> SignedIn:
        registered = await client.post("/v1/users", json={"email": email, "password": PASSWORD, "name": "Ann"})
        assert registered.status_code in (201, 409), registered.text
        if role:
            async with resources.database.unit_of_work() as work:
                await grant(work, email, role)
        login = await client.post("/v1/auth/login", data={"username": email, "password": PASSWORD})
        assert login.status_code == 200, login.text
        token = login.json()["access_token"]
        if registered.status_code == 201:
            return SignedIn(client, registered.json()["id"], email, token)
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        return SignedIn(client, me.json()["id"], email, token)

    return register


@pytest.fixture
def confirm(resources: Resources) -> Confirm:
    """Mark a user's address as confirmed, also in open sessions."""

    async def confirm(user: SignedIn) -> None:
        async with resources.database.unit_of_work() as work:
            query = update(User).where(User.id == UUID(user.user_id)).values(email_verified_at=func.now())
            await work.session.execute(query)
            await accounts_of(resources).announce(work, UUID(user.user_id))

    return confirm


@pytest.fixture
async def ann(sign_in: SignIn) -> SignedIn:
    """A signed-in user."""
    return await sign_in("ann@example.com")


class Mailbox:
    """Stores the messages that the worker sends."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        """Store a message."""
        self.mails.append(mail)

    def token(self, page: str = "reset-password") -> str:
        """The token in the last link to a page. Messages that were requested together arrive in any order."""
        texts = [mail.text for mail in self.mails if f"/{page}#token=" in mail.text]
        return texts[-1].partition("#token=")[2].split()[0]


@pytest.fixture
def mailbox(resources: Resources) -> Iterator[Mailbox]:
    """The mailbox for all addresses."""
    before, resources.mailer = resources.mailer, Mailbox()
    yield resources.mailer
    resources.mailer = before


@pytest.fixture
async def accounts(resources: Resources) -> AsyncIterator[AccountService]:
    """The accounts of the application; a test may put others in their place, with other settings."""
    before = accounts_of(resources)
    yield before
    resources.authenticator = before


def set_up(resources: Resources, **values: object) -> None:
    """Run the application's accounts with other settings until a test that uses the fixture `accounts` ends."""
    before = accounts_of(resources)
    settings = before.settings.model_copy(update=values)
    resources.authenticator = replace(before, settings=settings, lockout=Lockout(settings, before.tokens))


async def events(resources: Resources, *actions: str) -> list[AuditEvent]:
    """The audit log, oldest first, or its events of some actions."""
    async with resources.database.unit_of_work() as work:
        query = select(AuditEvent).order_by(AuditEvent.id)
        if actions:
            query = query.where(AuditEvent.action.in_(actions))
        return list((await work.session.execute(query)).scalars())


async def log_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    """Try to log in."""
    return await client.post("/v1/auth/login", data={"username": email, "password": password})
