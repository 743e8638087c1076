"""Logins and registrations with few connections: hashing slots and connections never wait for each other."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.login import passwords
from app.accounts.login.passwords import Passwords
from app.accounts.service import accounts_of
from app.composition import Resources, discover, open_resources
from app.main import create_app
from app.settings import Settings
from tests.accounts.fixtures import PASSWORD, log_in
from tests.conftest import open_limiter
from tests.identity import SignedIn


@pytest.fixture(params=[1, 3])
async def small(
    request: pytest.FixtureRequest, settings: Settings, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastAPI]:
    """The service with few connections, the hashes of production, and time for all of them on a busy machine."""
    monkeypatch.setattr(passwords, "_WAIT", 60)
    own = settings.model_copy(update={"database_pool_size": request.param})
    application = create_app(own)
    async with open_resources(own, discover()) as opened:
        opened.limiter = open_limiter(opened.redis)
        opened.authenticator = replace(accounts_of(opened), passwords=Passwords())
        application.state.resources = opened
        yield application


async def test_a_mix_of_logins_registrations_with_keys_and_lists_is_served(
    small: FastAPI, ann: SignedIn, settings: Settings
) -> None:
    transport, numbers = httpx.ASGITransport(small, raise_app_exceptions=False), count()

    async with httpx.AsyncClient(transport=transport, base_url=f"http://test{settings.route_prefix}") as client:

        async def register() -> httpx.Response:
            number = next(numbers)
            new = {"email": f"user{number}@example.com", "password": PASSWORD, "name": "User"}
            return await client.post("/v1/users", json=new, headers={"Idempotency-Key": f"key-{number}"})

        async def read() -> httpx.Response:
            return await client.get("/v1/auth/sessions", headers={"Authorization": f"Bearer {ann.token}"})

        calls = [call for _ in range(4) for call in (log_in(client, ann.email), register(), register(), read())]
        answers = await asyncio.gather(*calls)
    assert [answer.status_code for answer in answers] == [200, 201, 201, 200] * 4
