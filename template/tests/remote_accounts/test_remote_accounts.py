"""Another service's users: their tokens, their sessions, and their issuer's outages."""

import asyncio
import time
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.composition import Resources
from app.kit.configuration import ConfigurationError
from app.kit.database import Model
from app.kit.problems import Unauthorized, Unavailable
from app.remote_accounts.authenticator import ANSWER_SECONDS, RemoteAuthenticator
from app.remote_accounts.feature import seed
from app.remote_accounts.keys import IssuerKeys
from app.remote_accounts.settings import RemoteAccountsSettings
from tests.identity import SignedIn
from tests.remote_accounts.fixtures import Issuer

# This task does not exist: a signed-in caller gets 404, all others get 401.
PATH = "/v1/tasks/018f0000-0000-7000-8000-000000000000"


@pytest.fixture
async def authenticator(resources: Resources) -> RemoteAuthenticator:
    """The application's authenticator, which remembers nothing."""
    found = resources.authenticator
    assert isinstance(found, RemoteAuthenticator)
    found.answers.clear()
    return found


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
    ann: SignedIn, issuer: Issuer, authenticator: RemoteAuthenticator
) -> None:
    await status(ann.client, ann.token)
    ((digest, (answer, end)),) = authenticator.answers.items()
    assert 0 < end - time.monotonic() <= ANSWER_SECONDS
    assert ann.token.encode() not in digest
    del issuer.sessions[ann.token]
    assert await status(ann.client, ann.token) == 404
    authenticator.answers[digest] = answer, time.monotonic()
    assert await status(ann.client, ann.token) == 401


async def test_redis_holds_no_answer_that_a_writer_could_change(
    ann: SignedIn, issuer: Issuer, resources: Resources
) -> None:
    await status(ann.client, ann.token)
    assert [key async for key in resources.redis.scan_iter("*") if not key.startswith(b"limit:")] == []


async def test_the_oldest_answers_make_room(
    issuer: Issuer, authenticator: RemoteAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.remote_accounts.authenticator.MOST_ANSWERS", 3)
    tokens = [issuer.token(f"user{number}@example.com", [])[0] for number in range(5)]
    for token in tokens:
        await authenticator.authenticate(token)
    assert (len(authenticator.answers), issuer.asked) == (3, 5)
    await authenticator.authenticate(tokens[-1])
    assert issuer.asked == 5
    await authenticator.authenticate(tokens[0])
    assert issuer.asked == 6


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


async def test_without_the_issuer_the_answer_is_503_and_never_acceptance(
    ann: SignedIn, issuer: Issuer, authenticator: RemoteAuthenticator
) -> None:
    await authenticator.authenticate(ann.token)
    authenticator.answers.clear()
    issuer.answering = False
    with pytest.raises(Unavailable):
        await authenticator.authenticate(ann.token)


async def test_an_answer_about_another_token_is_none(ann: SignedIn, issuer: Issuer) -> None:
    issuer.sessions[ann.token]["sub"] = str(uuid4())
    assert await status(ann.client, ann.token) == 401


async def test_roles_are_the_issuers_and_not_the_tokens(issuer: Issuer, authenticator: RemoteAuthenticator) -> None:
    token, _ = issuer.token("eve@example.com", [], role="admin", scope="admin")
    principal = await authenticator.authenticate(token)
    assert principal.roles == frozenset()
    assert not await authenticator.administers(principal)


async def test_there_is_no_table_of_users(resources: Resources) -> None:
    assert not {"users", "sessions", "refresh_tokens"} & set(Model.metadata.tables)


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}', b'"x"'])
async def test_an_answer_that_holds_no_keys_is_503(answer: bytes) -> None:
    asked = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=answer)

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as client:
        keys = IssuerKeys(client, "http://issuer.example.com/jwks")
        for _ in range(3):
            with pytest.raises(Unavailable):
                await keys.key("any")
    # After a failure, callers do not queue for the issuer.
    assert len(asked) == 1


async def test_keys_are_asked_for_once_and_again_for_an_unknown_id(issuer: Issuer) -> None:
    asked = []

    async def note(request: httpx.Request) -> None:
        asked.append(request)

    async with httpx.AsyncClient(event_hooks={"request": [note]}) as client:
        keys = IssuerKeys(client, f"{issuer.url}/api/v1/auth/jwks")
        await asyncio.gather(*(keys.key(issuer.key_id) for _ in range(5)))
        assert len(asked) == 1
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await keys.key("unknown")
        assert len(asked) == 1


def test_an_issuer_is_required_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ISSUER_URL", "ISSUER_AUDIENCE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ConfigurationError, match="ISSUER_URL"):
        RemoteAccountsSettings.load()


def test_an_issuer_over_plain_http_is_refused_outside_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("ISSUER_URL", "https://users.example.com")
    monkeypatch.setenv("JWKS_URL", "http://users.example.com/keys")
    with pytest.raises(ConfigurationError, match="JWKS_URL: leaves the connection open"):
        RemoteAccountsSettings.load()


def test_an_issuer_that_is_set_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("ISSUER_URL", "https://users.example.com")
    assert RemoteAccountsSettings.load().keys_address().endswith("/api/v1/auth/jwks")


async def test_a_developer_is_told_where_the_users_are(resources: Resources, issuer: Issuer) -> None:
    assert await seed(resources, "") == [f"issuer    {issuer.url}"]
