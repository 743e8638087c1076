"""Access tokens of any issuer that were tampered with, at a route that needs one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import httpx
import pytest

from tests.identity import SignedIn

# This task does not exist: a signed-in caller gets 404, all others get 401.
PATH = "/v1/tasks/018f0000-0000-7000-8000-000000000000"

Members = dict[str, object]


def encode(members: Members) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()


def decode(part: str) -> Members:
    members: Members = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return members


def without_signature(header: Members, claims: Members, _signature: str) -> str:
    return f"{encode({**header, 'alg': 'none'})}.{encode(claims)}."


def with_an_old_signature(header: Members, claims: Members, signature: str) -> str:
    return f"{encode({**header, 'alg': 'None'})}.{encode(claims)}.{signature}"


def for_another_user(header: Members, claims: Members, signature: str) -> str:
    return f"{encode(header)}.{encode({**claims, 'sub': '018f0000-0000-7000-8000-000000000000'})}.{signature}"


def for_ever(header: Members, claims: Members, signature: str) -> str:
    return f"{encode(header)}.{encode({**claims, 'exp': 99_999_999_999})}.{signature}"


def with_another_signature(header: Members, claims: Members, signature: str) -> str:
    return f"{encode(header)}.{encode(claims)}.{signature[:-4]}AAAA"


def with_a_key_of_the_callers(header: Members, claims: Members, signature: str) -> str:
    own = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
    address = "http://127.0.0.1:1/keys"
    return f"{encode({**header, 'jwk': own, 'jku': address, 'x5u': address})}.{encode(claims)}.{signature}"


def with_a_kid_that_is_a_path(header: Members, claims: Members, signature: str) -> str:
    return f"{encode({**header, 'kid': '../../dev/null'})}.{encode(claims)}.{signature}"


def with_a_kid_that_is_no_text(header: Members, claims: Members, signature: str) -> str:
    return f"{encode({**header, 'kid': ['a', 1]})}.{encode(claims)}.{signature}"


def by_a_shared_secret(header: Members, claims: Members, _signature: str) -> str:
    body = f"{encode({**header, 'alg': 'HS256'})}.{encode(claims)}"
    signature = hmac.digest(str(header["kid"]).encode(), body.encode(), hashlib.sha256)
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encrypted(header: Members, claims: Members, signature: str) -> str:
    return f"{encode({**header, 'alg': 'dir', 'enc': 'A256GCM'})}..{encode(claims)}.{signature}.x"


@pytest.mark.parametrize(
    "tamper",
    [
        without_signature,
        with_an_old_signature,
        for_another_user,
        for_ever,
        with_another_signature,
        with_a_key_of_the_callers,
        with_a_kid_that_is_a_path,
        with_a_kid_that_is_no_text,
        by_a_shared_secret,
        encrypted,
    ],
)
async def test_a_tampered_token_is_refused(ann: SignedIn, tamper: Callable[[Members, Members, str], str]) -> None:
    assert (await ann.get(PATH)).status_code == 404
    header, claims, signature = ann.token.split(".")
    token = tamper(decode(header), decode(claims), signature)
    answer = await ann.client.get(PATH, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "null", "x" * 20_000, "{}.{}.{}", "%00.%00.%00", "' OR 1=1"])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.get(PATH, headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_token_counts_in_its_header_alone(ann: SignedIn) -> None:
    for scheme in ("Basic", "Token", ""):
        assert (await ann.client.get(PATH, headers={"Authorization": f"{scheme} {ann.token}"})).status_code == 401
    assert (await ann.client.get(f"{PATH}?access_token={ann.token}&token={ann.token}")).status_code == 401
    cookie = {"Cookie": f"access_token={ann.token}; Authorization=Bearer {ann.token}"}
    assert (await ann.client.get(PATH, headers=cookie)).status_code == 401


async def test_no_answer_holds_the_token(ann: SignedIn) -> None:
    answer = await ann.get(PATH)
    assert ann.token not in answer.text + str(answer.headers)
