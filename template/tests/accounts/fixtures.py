"""Sign users in who live in this service."""

import httpx
import pytest

from app.accounts.administration import grant
from app.kit.resources import Resources
from tests.identity import SignedIn, SignIn

PASSWORD = "correct horse battery staple"


@pytest.fixture
def sign_in(client: httpx.AsyncClient, resources: Resources) -> SignIn:
    """Register a user and log in."""

    async def sign_in(email: str = "ann@example.com", role: str | None = None) -> SignedIn:
        registered = await client.post("/v1/users", json={"email": email, "password": PASSWORD, "name": "Ann"})
        assert registered.status_code in (201, 409), registered.text
        if role:
            async with resources.database.unit_of_work() as work:
                await grant(work, email, role)
        login = await client.post("/v1/auth/login", data={"username": email, "password": PASSWORD})
        assert login.status_code == 200, login.text
        token = login.json()["access_token"]
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        return SignedIn(client, me.json()["id"], email, token)

    return sign_in


@pytest.fixture
async def ann(sign_in: SignIn) -> SignedIn:
    """A signed-in user."""
    return await sign_in("ann@example.com")
