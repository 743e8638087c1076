"""Clients that reach the server itself: raw sockets, in pieces, too much, too slow or not at all."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from app.connections import BoundedProtocol, Bounds
from app.dev.services import free_port
from app.health.state import ServingState
from app.kit.requests import RequestMiddleware
from app.server import api_server
from app.settings import Settings

application = FastAPI()


@application.post("/")
async def take(request: Request) -> int:
    """Read the body."""
    return len(await request.body())


@application.get("/")
async def answer(size: int = 4) -> Response:
    """Answer at once."""
    return Response(b"x" * size)


@application.get("/parts")
async def parts() -> StreamingResponse:
    """Answer in parts, the second of which waits until the client has read the first."""
    return StreamingResponse(iter([b"x" * 25_000_000] * 2))


class Short(BoundedProtocol):
    """Time-outs that a test can wait for: the server looks once a second."""

    bounds = Bounds(idle_seconds=0.5, head_seconds=0.5, body_seconds=0.5, write_seconds=0.5)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send some bytes. They are lost when the server has closed."""
        with contextlib.suppress(OSError):
            self.writer.write(data)
            await self.writer.drain()

    async def status(self) -> int:
        """The status of the next answer, 0 when the connection ends first. Raises TimeoutError."""
        try:
            async with asyncio.timeout(20):
                head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await self.reader.readexactly(int(length.partition(b":")[2]))
        return int(head.split()[1])

    async def ended(self) -> bool:
        """Whether the server ends the connection, within a generous time."""
        async with asyncio.timeout(20):
            with contextlib.suppress(OSError):
                return await self.reader.read() == b""
        return True


@asynccontextmanager
async def serving(protocol: type[BoundedProtocol] = BoundedProtocol, own: FastAPI = application) -> AsyncIterator[int]:
    own.state.serving = ServingState(started=True)
    port = free_port()
    server = api_server(own, "127.0.0.1", port, 0, protocol)
    life = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await life


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with serving() as port, connected(port) as client:
        for body in (b"", b"x" * 200_000, b"x"):
            await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert await client.status() == 200
        # Two pipelined requests: the second begins in the chunk that ends the body of the first.
        two = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
        await client.send(two + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [await client.status(), await client.status()] == [200, 200]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(101)) + b"\r\n",
    ],
    ids=["header", "url", "headers"],
)
async def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    async with serving() as port, connected(port) as client:
        await client.send(head)
        assert await client.status() == 431
        assert await client.ended()


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"GET /",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["header", "url", "trailer", "extension"],
)
async def test_what_does_not_end_costs_no_memory(start: bytes) -> None:
    async with serving() as port, connected(port) as client:
        before = psutil.Process().memory_info().rss
        await client.send(start)
        for _ in range(200):
            await client.send(b"x" * 1_048_576)
            if client.reader.at_eof() or client.reader.exception():
                break
        assert psutil.Process().memory_info().rss - before < 32 * 1_048_576
        assert await client.status() in (0, 431)
        assert await client.ended()


async def test_what_cannot_be_parsed_is_a_problem() -> None:
    async with serving() as port, connected(port) as client:
        await client.send(b"\x16\x03\x01 hello\r\n\r\n")
        answer = await client.reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"content-type: application/problem+json" in answer


NEVER_DONE = {
    "nothing": (b"", b""),
    "empty lines": (b"\r\n", b"\n"),
    "half a method": (b"G", b""),
    "half a head": (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"x"),
    "half a body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx", b"x"),
    "half a body in chunks": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx", b"x"),
}
"""The bytes that a client sends first, and the byte that it sends again and again."""


async def test_a_client_that_does_not_finish_is_cut_off() -> None:
    async def cut_off(piece: bytes, byte: bytes) -> bool:
        async with connected(port) as client:
            await client.send(piece)
            trickling = asyncio.create_task(trickle(client, byte))
            await client.status()  # the response to an incomplete body, if any
            ended = await client.ended()
            trickling.cancel()
            return ended

    async with serving(Short) as port:
        ended = await asyncio.gather(*(cut_off(*case) for case in NEVER_DONE.values()))
    assert dict(zip(NEVER_DONE, ended, strict=True)) == dict.fromkeys(NEVER_DONE, True)


async def trickle(client: Client, byte: bytes) -> None:
    """Keep a client busy: a byte now and then, which keeps the request well formed, must not extend its time."""
    while byte:
        await asyncio.sleep(0.1)
        await client.send(byte)


async def test_a_client_that_was_answered_and_says_or_reads_no_more_is_cut_off() -> None:
    lost = []

    class Watched(Short):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.append(exc)
            super().connection_lost(exc)

    async with serving(Watched) as port, connected(port) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_024)
        writer.write(b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n")
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
        assert await client.ended()
        async with asyncio.timeout(20):
            while len(lost) < 2:  # noqa: ASYNC110  a protocol tells nobody
                await asyncio.sleep(0.05)
        received = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                received += len(data)
        assert received < 50_000_000
        writer.close()


async def test_where_there_are_too_many_the_one_closest_to_its_end_makes_room() -> None:
    class Few(BoundedProtocol):
        bounds = Bounds(connections=2)

    async with serving(Few) as port, connected(port) as idle, connected(port) as half:
        await half.send(b"GET / HTTP/1.1\r\n")
        await asyncio.sleep(0.2)
        async with connected(port) as third:
            assert await half.ended()
            for client in (idle, third):
                await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert await client.status() == 200


async def test_a_request_under_way_has_no_deadline() -> None:
    seen: list[float] = []

    class Watching(BoundedProtocol):
        def on_response_complete(self) -> None:
            seen.append(self.deadline)
            super().on_response_complete()

    async with serving(Watching) as port, connected(port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await client.status() == 200
    assert seen == [math.inf]


def test_the_bounds_fit_the_load_balancer() -> None:
    # The ALB's idle time-out is 60 s, and its limit on a head is 64 kB.
    assert Bounds().idle_seconds > 60
    assert Bounds().head_bytes >= 65_536


async def test_head_sends_no_body(settings: Settings) -> None:
    own = FastAPI()
    own.add_api_route("/", answer)
    own.add_middleware(RequestMiddleware, settings=settings)
    async with serving(own=own) as port, connected(port) as client:
        await client.send(b"HEAD /?size=9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, body = (await client.reader.read()).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert (b"content-length: 9" in head, body) == (True, b"")
