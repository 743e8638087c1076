"""Sign in users of another service, with a small issuer that listens on a real port."""

import asyncio
import base64
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs
from uuid import NAMESPACE_DNS, UUID, uuid4, uuid5

import httpx
import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.dev.services import free_port
from tests.identity import Confirm, SignedIn, SignIn

AUDIENCE = "users"


class Issuer:
    """The service that holds the users, as far as others need it. `answering` can be turned off."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = Ed25519PrivateKey.generate()
        self.key_id = hashlib.sha256(self.key.public_key().public_bytes_raw()).hexdigest()[:16]
        self.sessions: dict[str, dict[str, object]] = {}
        self.asked = 0
        self.answering = True
        self.application = Starlette(
            routes=[
                Route("/api/v1/auth/jwks", self._keys),
                Route("/api/v1/auth/introspect", self._introspect, methods=["POST"]),
            ]
        )

    def token(self, email: str, roles: list[str], **changes: object) -> tuple[str, str]:
        """A token of a new session, and the user's id, which is the same for the same address."""
        user, session, now = str(uuid5(NAMESPACE_DNS, email)), str(uuid4()), int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": user, "sid": session, "iat": now, "exp": now + 60, **changes}
        token = jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": self.key_id})
        self.sessions[token] = {"active": True, "sub": user, "sid": session, "email": email, "roles": roles}
        return token, user

    async def _keys(self, _request: Request) -> JSONResponse:
        raw = self.key.public_key().public_bytes_raw()
        point = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.key_id, "x": point}
        return JSONResponse({"keys": [key]}, 200 if self.answering else 500)

    async def _introspect(self, request: Request) -> JSONResponse:
        self.asked += 1
        token = parse_qs((await request.body()).decode())["token"][0]
        return JSONResponse(self.sessions.get(token, {"active": False}), 200 if self.answering else 500)


@pytest.fixture(scope="session", autouse=True)
def running_issuer() -> Iterator[Issuer]:
    """The issuer, on a port of its own, before the application reads its settings."""
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}")
    os.environ["ISSUER_URL"], os.environ["ISSUER_AUDIENCE"] = issuer.url, AUDIENCE
    server = uvicorn.Server(uvicorn.Config(issuer.application, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    yield issuer
    server.should_exit = True
    thread.join()


@pytest.fixture
def issuer(running_issuer: Issuer) -> Iterator[Issuer]:
    """The issuer, answering."""
    running_issuer.answering = True
    running_issuer.asked = 0
    yield running_issuer
    running_issuer.answering = True


@pytest.fixture
def sign_in(client: httpx.AsyncClient, issuer: Issuer) -> SignIn:
    """Take a token from the issuer."""

    async def sign_in(email: str = "ann@example.com", role: str | None = None) -> SignedIn:
        token, user = issuer.token(email, [role] if role else [])
        return SignedIn(client, str(UUID(user)), email, token)

    return sign_in


@pytest.fixture
def confirm() -> Confirm:
    """Do nothing, because the issuer returns only confirmed addresses."""

    async def confirm(_user: SignedIn) -> None:
        pass

    return confirm


@pytest.fixture
async def ann(sign_in: SignIn) -> SignedIn:
    """A signed-in user."""
    return await sign_in("ann@example.com")
