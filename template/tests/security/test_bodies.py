"""Bodies that are too large, too deep, or do not match their media type."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.settings import Settings
from tests.identity import SignedIn
from tests.security.operations import FORM, JSON, MULTIPART, Operation, operations

PATH = "/v1/tasks/018f0000-0000-7000-8000-000000000000"


def with_body(application: FastAPI, *media_types: str) -> list[Operation]:
    """The operations that take a body."""
    return [operation for operation in operations(application) if operation.media_type in media_types]


async def send(
    client: httpx.AsyncClient, settings: Settings, operation: Operation, token: str, content: bytes, media_type: str
) -> httpx.Response:
    request = operation.request(client, settings.route_prefix, token)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
    return await client.request(request.method, request.url, content=content, headers=headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_a_body_that_says_it_is_too_large_is_not_read(
    client: httpx.AsyncClient, settings: Settings, method: str
) -> None:
    answer = await client.request(method, PATH, content=b"x" * (settings.max_upload_bytes + 1))
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:problem:too-large"


async def test_a_body_that_hides_its_size_is_cut_off(
    application: FastAPI, client: httpx.AsyncClient, settings: Settings, ann: SignedIn
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        sent = 0
        while sent <= settings.max_body_bytes + 100_000:
            yield b'{"a":"' + b"x" * 65_536
            sent += 65_536
        assert sent < settings.max_body_bytes * 3

    for operation in with_body(application, JSON, FORM):
        request = operation.request(client, settings.route_prefix, ann.token)
        headers = {"Authorization": f"Bearer {ann.token}", "Content-Type": operation.media_type}
        answer = await client.request(request.method, request.url, content=endless(), headers=headers)
        assert answer.status_code == 413, str(operation)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lists", b"[" * 200_000),
        ("closed lists", b"[" * 100_000 + b"]" * 100_000),
        ("objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        ("a number", b"9" * 200_000),
        ("a number with an exponent", b'{"name": 1e999999999}'),
        ("no text", b"\xff\xfe\x00"),
        ("nothing", b""),
        ("null", b"null"),
        ("a list", b"[]"),
        ("not a number", b'{"name": NaN}'),
    ],
)
async def test_json_that_is_deep_or_odd_is_refused(
    application: FastAPI, client: httpx.AsyncClient, settings: Settings, ann: SignedIn, name: str, content: bytes
) -> None:
    for operation in with_body(application, JSON):
        answer = await send(client, settings, operation, ann.token, content, JSON)
        assert 400 <= answer.status_code < 500, f"{operation}: {name}"
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-7", "x"]
)
async def test_a_body_under_another_name_is_refused(
    application: FastAPI, client: httpx.AsyncClient, settings: Settings, ann: SignedIn, media_type: str
) -> None:
    for operation in with_body(application, JSON, FORM, MULTIPART):
        answer = await send(client, settings, operation, ann.token, b"<a>&x;</a>", media_type)
        assert 400 <= answer.status_code < 500, str(operation)


async def test_a_form_of_very_many_parts_is_refused(
    application: FastAPI, client: httpx.AsyncClient, settings: Settings, ann: SignedIn
) -> None:
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' for _ in range(5_000))
    for operation in with_body(application, FORM, MULTIPART):
        answer = await send(
            client, settings, operation, ann.token, parts + b"--x--\r\n", "multipart/form-data; boundary=x"
        )
        assert 400 <= answer.status_code < 500, str(operation)
