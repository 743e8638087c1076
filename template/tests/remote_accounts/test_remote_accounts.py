"""Another service's users: their tokens, their sessions, and their issuer's outages."""

import time
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.kit.configuration import ConfigurationError
from app.kit.resources import Resources
from app.remote_accounts.settings import RemoteAccountsSettings
from tests.identity import SignedIn
from tests.remote_accounts.fixtures import Issuer

# Not there, so that a signed-in caller gets 404 and any other 401.
PATH = "/v1/tasks/018f0000-0000-7000-8000-000000000000"


async def status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get(PATH, headers={"Authorization": f"Bearer {token}"})).status_code


async def test_the_issuers_token_signs_in(ann: SignedIn) -> None:
    assert await status(ann.client, ann.token) == 404


async def test_the_issuer_is_asked_once_in_a_while(ann: SignedIn, issuer: Issuer) -> None:
    for _ in range(5):
        await status(ann.client, ann.token)
    assert issuer.asked == 1


async def test_a_session_that_ended_at_the_issuer_is_refused(ann: SignedIn, issuer: Issuer) -> None:
    del issuer.sessions[ann.token]
    assert await status(ann.client, ann.token) == 401


async def test_an_ended_session_lives_no_longer_than_the_kept_answer(
    ann: SignedIn, issuer: Issuer, resources: Resources
) -> None:
    await status(ann.client, ann.token)
    names = [key async for key in resources.redis.scan_iter("introspection:*")]
    assert 0 < await resources.redis.ttl(names[0]) <= 30
    assert ann.token.encode() not in names[0]


@pytest.mark.parametrize(
    "changes", [{"aud": "other"}, {"iss": "https://evil.example.com"}, {"exp": int(time.time()) - 60}, {"sid": None}]
)
async def test_a_token_with_a_wrong_claim_is_refused_without_asking(
    client: httpx.AsyncClient, issuer: Issuer, changes: dict[str, object]
) -> None:
    token, _ = issuer.token("ann@example.com", [], **changes)
    assert await status(client, token) == 401
    assert issuer.asked == 0


async def test_a_strangers_signature_is_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    now = int(time.time())
    user, session = str(uuid4()), str(uuid4())
    claims = {"iss": issuer.url, "aud": "users", "sub": user, "sid": session, "iat": now, "exp": now + 60}
    stranger = Ed25519PrivateKey.generate()
    for key_id in (issuer.key_id, "unknown"):
        token = jwt.encode(claims, stranger, algorithm="EdDSA", headers={"kid": key_id})
        assert await status(client, token) == 401


async def test_an_issuer_that_does_not_answer_is_503_and_never_acceptance(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    token, _ = issuer.token("ann@example.com", [])
    assert await status(client, token) == 404
    fresh, _ = issuer.token("ann@example.com", [])
    issuer.answering = False
    assert await status(client, fresh) == 503
    assert await status(client, token) == 404


def test_an_issuer_is_required_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ISSUER_URL", "ISSUER_AUDIENCE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="ISSUER_URL"):
        RemoteAccountsSettings.load()
