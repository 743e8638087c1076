"""Accounts as a feature of the service."""

from fastapi import APIRouter

from app.accounts import routes
from app.accounts.administration import routes as admin_routes
from app.accounts.development import seed
from app.accounts.login.devices import Devices
from app.accounts.login.lockout import Lockout
from app.accounts.login.passwords import Passwords
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


def make_service(resources: Resources) -> AccountService:
    """The accounts of a process, which are also its authenticator."""
    settings = resources.section(AccountsSettings)
    tokens = Tokens(settings)
    sessions = SessionStore(resources.database, resources.redis, tokens)
    lockout, devices = Lockout(settings, tokens), Devices(settings.service, tokens)
    return AccountService(settings, resources.database, tokens, sessions, Passwords(), lockout, devices)


def _router() -> APIRouter:
    router = APIRouter()
    for part in (routes, session_routes, recovery_routes, page_routes, admin_routes):
        router.include_router(part.router)
    return router


feature = Feature(
    name="accounts",
    router=_router(),
    settings=AccountsSettings,
    task_handlers=TASK_HANDLERS,
    cron=(retention,),
    authenticator=make_service,
    seed=seed,
)
