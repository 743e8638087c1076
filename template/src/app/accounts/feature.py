"""Accounts as a feature of the service."""

from fastapi import APIRouter
from sqlalchemy import select

from app.accounts import routes
from app.accounts.administration import routes as admin_routes
from app.accounts.development import seed
from app.accounts.email_change import routes as email_routes
from app.accounts.email_change import tasks as email_change
from app.accounts.login.devices import Devices
from app.accounts.login.lockout import Lockout
from app.accounts.login.passwords import Passwords
from app.accounts.models import LoginSession, MailedToken, RefreshToken, User
from app.accounts.personal_data import routes as personal_data_routes
from app.accounts.personal_data import service as personal_data
from app.accounts.recovery import page_routes
from app.accounts.recovery import routes as recovery_routes
from app.accounts.retention import retention
from app.accounts.service import AccountService
from app.accounts.sessions import routes as session_routes
from app.accounts.sessions.store import SessionStore
from app.accounts.sessions.tokens import Tokens
from app.accounts.settings import AccountsSettings
from app.accounts.tasks import TASK_HANDLERS
from app.composition import Feature, Resources
from app.kit.personal_data import UserRows


def make_service(resources: Resources) -> AccountService:
    """The accounts of a process, which are also its authenticator."""
    settings = resources.section(AccountsSettings)
    tokens = Tokens(settings)
    sessions = SessionStore(resources.database, resources.redis, tokens)
    lockout, devices = Lockout(settings, tokens), Devices(settings.service, tokens)
    return AccountService(settings, resources.database, tokens, sessions, Passwords(), lockout, devices)


def _router() -> APIRouter:
    router = APIRouter()
    for part in (
        routes,
        session_routes,
        recovery_routes,
        email_routes,
        page_routes,
        personal_data_routes,
        admin_routes,
    ):
        router.include_router(part.router)
    return router


_PERSONAL_DATA = (
    UserRows(User, lambda user_id: User.id == user_id, frozenset({"password_hash", "generation"})),
    UserRows(LoginSession, lambda user_id: LoginSession.user_id == user_id),
    UserRows(
        RefreshToken,
        lambda user_id: RefreshToken.session_id.in_(select(LoginSession.id).where(LoginSession.user_id == user_id)),
        frozenset({"digest"}),
    ),
    UserRows(MailedToken, lambda user_id: MailedToken.user_id == user_id, frozenset({"digest"})),
)

feature = Feature(
    name="accounts",
    router=_router(),
    settings=AccountsSettings,
    task_handlers=(*TASK_HANDLERS, *email_change.TASK_HANDLERS, *personal_data.TASK_HANDLERS),
    cron=(retention,),
    personal_data=_PERSONAL_DATA,
    authenticator=make_service,
    seed=seed,
)
