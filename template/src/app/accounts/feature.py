"""Accounts as a feature of the service."""

from app.accounts.development import seed
from app.accounts.passwords import Passwords
from app.accounts.routes import router
from app.accounts.service import AccountService
from app.accounts.sessions import SessionStore
from app.accounts.settings import AccountsSettings
from app.accounts.tokens import Tokens
from app.kit.features import Feature
from app.kit.resources import Resources


def make_service(resources: Resources) -> AccountService:
    """The accounts of a process, which are also its authenticator."""
    settings = resources.section(AccountsSettings)
    tokens = Tokens(settings)
    sessions = SessionStore(resources.database, resources.redis, tokens)
    return AccountService(settings, resources.database, tokens, sessions, Passwords())


feature = Feature(name="accounts", router=router, settings=AccountsSettings, authenticator=make_service, seed=seed)
