"""Another service's users as a feature of this one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.composition import Feature, Resources
from app.remote_accounts.authenticator import RemoteAuthenticator
from app.remote_accounts.keys import IssuerKeys
from app.remote_accounts.settings import RemoteAccountsSettings

# Seconds the issuer may take; a caller waits for it.
TIMEOUT = 3.0


def make_authenticator(resources: Resources) -> RemoteAuthenticator:
    """The authenticator of a process."""
    settings = resources.section(RemoteAccountsSettings)
    client = httpx.AsyncClient(timeout=TIMEOUT)
    return RemoteAuthenticator(settings, client, IssuerKeys(client, settings.keys_address()))


@asynccontextmanager
async def close_client(resources: Resources) -> AsyncIterator[None]:
    """Close the connections to the issuer at the end."""
    try:
        yield
    finally:
        if isinstance(resources.authenticator, RemoteAuthenticator):
            await resources.authenticator.client.aclose()


async def seed(resources: Resources, _password: str) -> list[str]:
    """Return a line that names the service with the users, because this service has none."""
    issuer = resources.section(RemoteAccountsSettings).issuer_url
    return [f"issuer    {issuer or 'none: set ISSUER_URL and ISSUER_AUDIENCE to sign in'}"]


feature = Feature(
    name="remote_accounts",
    settings=RemoteAccountsSettings,
    authenticator=make_authenticator,
    lifespan=close_client,
    seed=seed,
)
