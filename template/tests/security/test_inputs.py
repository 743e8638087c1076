"""Hostile text in every place of every operation that takes text: refused or kept as text, never run."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.composition import Resources
from app.settings import Settings
from tests.identity import SignIn
from tests.security.operations import JSON, operations

HOSTILE = {
    "sql": "' OR '1'='1",
    "sql that drops": "x'; DROP TABLE tasks; --",
    "sql that waits": "x') OR pg_sleep(9) --",
    "like": "%_\\",
    "header": "x\r\nSet-Cookie: stolen=1\r\n\r\n<html>",
    "nul": "x\x00y",
    "terminal": "\x1b[2J\x1b]0;x\x07",
    "format": "%s%(x)s{0.__class__}",
    "template": "{{98765*43211}}${98765*43211}#{98765*43211}",
    "lookup": "${jndi:ldap://127.0.0.1:1/x}",
    "path": "../../../../etc/passwd",
    "markup": "<script>alert(1)</script>",
    "unicode": "\u202e\u2028\ufeff\U0001f600",
    # Longer than a page in PostgreSQL.
    "long": "x" * 12_000,
}


async def test_there_is_text_to_attack(application: FastAPI) -> None:
    assert [place for operation in operations(application) for place in operation.texts()]


@pytest.mark.parametrize("attack", HOSTILE)
async def test_hostile_text_is_refused_or_kept_as_text(
    application: FastAPI,
    settings: Settings,
    resources: Resources,
    client: httpx.AsyncClient,
    sign_in: SignIn,
    open_limits: None,
    attack: str,
) -> None:
    root = await sign_in("root@example.com", role="admin")
    for operation in operations(application):
        for part, name in operation.texts():
            request = operation.with_text(part, name, HOSTILE[attack]).request(
                client, settings.route_prefix, root.token
            )
            answer = await client.send(request)
            where = f"{operation} {part} {name}"
            assert answer.status_code < 500, where
            assert "set-cookie" not in answer.headers, where
            # The results of the template expression and of the path.
            assert "4267734415" not in answer.text, where
            assert "root:x:" not in answer.text, where
    async with resources.database.engine.connect() as connection:
        await connection.execute(text("SELECT 1 FROM tasks LIMIT 1"))


async def test_half_a_character_is_refused(
    application: FastAPI, client: httpx.AsyncClient, settings: Settings, sign_in: SignIn, open_limits: None
) -> None:
    root = await sign_in("root@example.com", role="admin")
    headers = {"Authorization": f"Bearer {root.token}", "Content-Type": JSON}
    for operation in operations(application):
        for part, name in operation.texts():
            if part == "body" and operation.media_type == JSON:
                # JSON can escape a lone surrogate, which no encoding can represent.
                request = operation.with_text(part, name, "half").request(client, settings.route_prefix, root.token)
                content = request.content.replace(b'"half"', rb'"\ud800"')
                answer = await client.request(request.method, request.url, content=content, headers=headers)
                assert answer.status_code in (400, 422), f"{operation} {name}"


@pytest.mark.parametrize("attack", [name for name, value in HOSTILE.items() if value.isprintable() and value.isascii()])
async def test_hostile_headers_change_nothing(client: httpx.AsyncClient, settings: Settings, attack: str) -> None:
    headers = dict.fromkeys(
        (
            "X-Request-ID",
            "Accept-Language",
            "User-Agent",
            "X-Forwarded-For",
            "Forwarded",
            "Accept",
            "Origin",
            "Referer",
        ),
        HOSTILE[attack][:8_000],
    )
    answer = await client.get("/v1/tasks/018f0000-0000-7000-8000-000000000000", headers=headers)
    assert answer.status_code == 401
    assert HOSTILE[attack][:8_000] not in str(answer.headers.raw)
    assert answer.headers["content-language"] == settings.default_language


async def test_a_host_of_the_callers_choice_is_echoed_nowhere(client: httpx.AsyncClient) -> None:
    headers = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com", "X-Forwarded-Proto": "gopher"}
    for path in ("/v1/tasks/x/", "/v1/tasks", "/health/", "//evil.example.com/%2e%2e"):
        answer = await client.get(path, headers=headers)
        assert "evil.example.com" not in answer.text
        assert "evil.example.com" not in str(answer.headers.raw)
        assert "location" not in answer.headers


EXTREMES = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-12:00",
    "0001-01-01T00:00:00Z",
    "2026-11-22T12:00:00+23:59",
    "9999-12-31T24:00:00Z",
    "-1",
    "0",
    "9223372036854775808",
    "9" * 5_000,
    "1e400",
    "NaN",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)


@pytest.mark.parametrize("extreme", EXTREMES)
async def test_no_parameter_of_a_query_is_too_extreme(
    application: FastAPI,
    client: httpx.AsyncClient,
    settings: Settings,
    sign_in: SignIn,
    open_limits: None,
    extreme: str,
) -> None:
    root = await sign_in("root@example.com", role="admin")
    tried = 0
    for operation in operations(application, every_parameter=True):
        for name in operation.query:
            # One parameter at a time: a fault of another one would hide the effect of this one.
            request = replace(operation, query={name: extreme}).request(client, settings.route_prefix, root.token)
            answer = await client.send(request)
            assert answer.status_code < 500, f"{operation} {name}: {answer.text}"
            tried += 1
    assert tried
