"""The API's server: how it closes the connections of its callers."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from fastapi import FastAPI

from app import server
from app.dev.services import free_port
from app.health.state import ServingState
from app.server import ApiServer, api_server, run_api
from app.settings import Settings

application = FastAPI()
entered, released = asyncio.Event(), asyncio.Event()


@application.get("/")
async def answer() -> str:
    """Answer at once."""
    return "here"


@application.get("/slow")
async def answer_slowly() -> str:
    """Answer once released."""
    entered.set()
    await released.wait()
    return "done"


@asynccontextmanager
async def serving(drain: float) -> AsyncIterator[tuple[ApiServer, httpx.AsyncClient, asyncio.Task[None]]]:
    """A server that answers, a client of it, and its life."""
    application.state.serving = ServingState(started=True)
    port = free_port()
    api = api_server(application, "127.0.0.1", port, drain)
    life = asyncio.create_task(api.serve())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        while not api.started:  # noqa: ASYNC110  uvicorn offers no event
            await asyncio.sleep(0.01)
        yield api, client, life
    api.should_exit = True
    await life


async def test_a_draining_server_answers_on_and_ends_each_connection() -> None:
    async with serving(drain=20) as (api, client, life):
        before = await client.get("/")
        assert "connection" not in before.headers
        api.handle_exit(signal.SIGTERM, None)
        # Concurrently: without connections the server exits, which on a busy machine happens before a second one is
        # opened.
        kept, new = await asyncio.gather(client.get("/"), client.get("/"))
        assert [answer.status_code for answer in (kept, new)] == [200, 200]
        assert [answer.headers["connection"] for answer in (kept, new)] == ["close", "close"]
        async with asyncio.timeout(10):  # no connection is left
            await life


async def test_a_request_under_way_is_finished_and_ends_its_connection() -> None:
    entered.clear()
    released.clear()
    async with serving(drain=0) as (api, client, life):
        under_way = asyncio.create_task(client.get("/slow"))
        await entered.wait()
        api.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(0.3)
        released.set()
        finished = await under_way
        assert (finished.text, finished.headers["connection"]) == ('"done"', "close")
        await life


async def test_a_silent_connection_is_closed_when_time_is_up() -> None:
    async with serving(drain=0.3) as (api, client, life):
        await client.get("/")
        started = time.monotonic()
        api.handle_exit(signal.SIGTERM, None)
        await life
        assert time.monotonic() - started >= 0.3
        with suppress(httpx.TransportError):
            raise AssertionError((await client.get("/")).text)


async def test_a_second_signal_ends_the_draining_and_a_third_does_not_wait() -> None:
    async with serving(drain=60) as (api, client, life):
        await client.get("/")
        for _ in range(2):
            api.handle_exit(signal.SIGINT, None)
        assert (api.should_exit, api.force_exit) == (True, False)
        api.handle_exit(signal.SIGINT, None)
        assert api.force_exit
        await life


def test_the_api_is_served_as_its_load_balancer_needs_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ApiServer] = []
    monkeypatch.setattr(ApiServer, "run", lambda self, _sockets: seen.append(self))
    run_api("127.0.0.1", 1234)
    config = seen[0].config
    assert config.timeout_keep_alive > 60
    assert not config.proxy_headers
    # 20 s of preStop sleep, and 5 s to close what is still open, must fit into 60 s.
    assert 20 + server.DRAIN_SECONDS + server.GRACEFUL_SHUTDOWN_SECONDS + 5 <= 60
