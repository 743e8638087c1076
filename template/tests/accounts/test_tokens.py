"""Access tokens: valid ones, invalid ones, and the keys that other services need."""

import time
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.accounts.sessions import tokens as tokens_module
from app.accounts.sessions.tokens import LEEWAY, SigningKey, Tokens
from app.accounts.settings import AccountsSettings
from app.kit.problems import Unauthorized
from tests.identity import Confirm, SignedIn

SECRET = "a" * 40


def settings(**values: str) -> AccountsSettings:
    return AccountsSettings.model_validate({"jwt_secret": SECRET, "session_secret": "b" * 40, **values})


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    whole = {
        "iss": "http://127.0.0.1:8000",
        "aud": "app",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def signed(payload: dict[str, object], key: SigningKey | None = None, **headers: str) -> str:
    key = key or SigningKey(SECRET)
    return jwt.encode(payload, key.private, algorithm="EdDSA", headers={"kid": key.id, **headers})


def test_a_token_names_its_user_and_session() -> None:
    user, session = uuid4(), uuid4()
    tokens = Tokens(settings())
    read = tokens.read(tokens.access(user, session))
    assert (read.user_id, read.session_id) == (user, session)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"aud": "another-service"},
        {"iss": "https://evil.example.com"},
        {"sub": None},
        {"sid": None},
        {"exp": None},
        {"sub": "not-a-uuid"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(signed(claims(**changes)))


def test_a_token_signed_by_another_key_is_refused() -> None:
    stranger = SigningKey("c" * 40)
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(signed(claims(), stranger))
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(signed(claims(), stranger, kid=SigningKey(SECRET).id))


def test_an_unsigned_token_is_refused() -> None:
    token = jwt.encode(claims(), "", algorithm="none", headers={"kid": SigningKey(SECRET).id})
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(token)


def test_the_public_key_as_a_shared_secret_is_refused() -> None:
    key = SigningKey(SECRET)
    token = jwt.encode(claims(), key.public.public_bytes_raw(), algorithm="HS256", headers={"kid": key.id})
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(token)


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 5000, "é.é.é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens(settings()).read(token)


def test_the_previous_secret_still_verifies_and_signs_no_more() -> None:
    old = Tokens(settings(jwt_secret="o" * 40)).access(uuid4(), uuid4())
    rotated = Tokens(settings(jwt_secret="n" * 40, jwt_secret_previous="o" * 40))
    rotated.read(old)
    assert jwt.get_unverified_header(rotated.access(uuid4(), uuid4()))["kid"] == SigningKey("n" * 40).id


def test_a_remembered_token_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, token = Tokens(settings()), signed(claims())
    verifier.read(token)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60 + LEEWAY + 1)
    for _ in range(2):
        with pytest.raises(Unauthorized):
            verifier.read(token)


def test_few_tokens_are_remembered_and_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens_module, "MOST_REMEMBERED", 2)
    verifier = Tokens(settings())
    given = [signed(claims()) for _ in range(4)]
    assert len({verifier.read(token).session_id for token in given + given}) == 4
    tampered = given[0][:-6] + ("AAAAAA" if given[0][-6:] != "AAAAAA" else "BBBBBB")
    with pytest.raises(Unauthorized):
        verifier.read(tampered)


async def test_the_published_keys_verify_a_token(client: httpx.AsyncClient, ann: SignedIn) -> None:
    document = (await client.get("/v1/auth/jwks")).json()
    key_id = jwt.get_unverified_header(ann.token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(document).keys if key.key_id == key_id)
    read = jwt.decode(ann.token, key, algorithms=["EdDSA"], options={"verify_aud": False})
    assert read["sub"] == ann.user_id
    assert "d" not in document["keys"][0]


def test_both_keys_are_published_until_the_old_one_is_out_of_use() -> None:
    old, new = SigningKey("o" * 40), SigningKey("n" * 40)
    rotated = Tokens(settings(jwt_secret="n" * 40, jwt_secret_previous="o" * 40))
    assert [key.document().kid for key in rotated.keys] == [new.id, old.id]
    later = Tokens(settings(jwt_secret="n" * 40))
    assert [key.id for key in later.keys] == [new.id]
    with pytest.raises(Unauthorized):
        later.read(signed(claims(), old))


async def test_introspection_tells_whether_a_token_stands(
    client: httpx.AsyncClient, ann: SignedIn, confirm: Confirm
) -> None:
    live = (await client.post("/v1/auth/introspect", data={"token": ann.token})).json()
    assert (live["active"], live["sub"], "email" in live) == (True, ann.user_id, False)
    await confirm(ann)
    live = (await client.post("/v1/auth/introspect", data={"token": ann.token})).json()
    assert (live["active"], live["sub"], live["email"]) == (True, ann.user_id, ann.email)
    await ann.post("/v1/auth/logout")
    dead = await client.post("/v1/auth/introspect", data={"token": ann.token})
    assert dead.json() == {"active": False}


def test_two_processes_derive_the_same_key_and_it_is_a_real_one() -> None:
    first, second = SigningKey(SECRET), SigningKey(SECRET)
    assert first.id == second.id
    assert isinstance(first.private, Ed25519PrivateKey)
