"""Callers: a few connections that write, enqueue work and read, and record every response."""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID, uuid4

import httpx

from tests.faults.stack import Stack
from tests.waiting import until

# Logs measurements, which `-rP` shows.
log = logging.getLogger(__name__)

CONNECTIONS = 6
# Seconds between two requests on a connection: at most 120 requests a second in total. 30 of them enqueue work, which
# the worker can handle.
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or the error in its place."""

    request: str
    status: int
    media_type: str
    seconds: float
    error: str = ""

    @property
    def acceptable(self) -> bool:
        """Whether this is a success, or a problem that tells the caller to retry."""
        if self.status in (200, 201, 202):
            return True
        # 409: an earlier attempt with the same key has not finished.
        return self.status in (409, 503) and self.media_type == "application/problem+json"


@dataclass
class Load:
    """Requests and their answers. Made by `under_load`."""

    stack: Stack
    seconds_of_work: float = 0.0
    answers: list[Answer] = field(default_factory=list)
    lives: list[Answer] = field(default_factory=list)
    # Acknowledged ids: rows, and work.
    written: set[UUID] = field(default_factory=set)
    asked: set[UUID] = field(default_factory=set)
    # The longest time, in seconds, in which this process itself was not scheduled.
    stall: float = 0.0
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Send until stopped."""
        asyncio.run(self._run())

    def stop(self) -> Self:
        """Stop sending, and return after the last response."""
        self._stopping.set()
        return self

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                group.create_task(self._connection(number))
            group.create_task(self._watch())
            group.create_task(self._beat())

    async def _connection(self, number: int) -> None:
        """Send requests in turn. If the server closes the connection, stop, as a load balancer would."""
        kinds = (self._write, self._ask, self._read, self._read_signed_in)
        async with httpx.AsyncClient(base_url=self.stack.base, timeout=40) as client:
            turn = number
            while not self._stopping.is_set():
                turn += 1
                answer = await kinds[turn % len(kinds)](client)
                if answer is not None and answer.headers.get("connection") == "close":
                    return
                await asyncio.sleep(PAUSE)

    async def _write(self, client: httpx.AsyncClient) -> httpx.Response | None:
        return await self._keyed(client, "/v1/probes", self.written)

    async def _ask(self, client: httpx.AsyncClient) -> httpx.Response | None:
        return await self._keyed(client, "/v1/probes/tasks", self.asked)

    async def _keyed(self, client: httpx.AsyncClient, path: str, acknowledged: set[UUID]) -> httpx.Response | None:
        """Write with a key, and repeat until it is acknowledged, as a careful caller does."""
        one = uuid4()
        body = {"id": str(one), "seconds": self.seconds_of_work}
        while True:
            answer = await self._send(client, "POST", path, json=body, headers={"Idempotency-Key": str(one)})
            if answer is not None and answer.is_success:
                acknowledged.add(one)
                return answer
            if self._stopping.is_set() or answer is None or answer.headers.get("connection") == "close":
                return answer
            await asyncio.sleep(0.1)

    async def _read(self, client: httpx.AsyncClient) -> httpx.Response | None:
        known = next(iter(self.written), None)
        if known is None:
            return await self._write(client)
        return await self._send(client, "GET", f"/v1/probes/{known}")

    async def _read_signed_in(self, client: httpx.AsyncClient) -> httpx.Response | None:
        if not self.stack.headers:
            return await self._read(client)
        return await self._send(client, "GET", "/v1/tasks", headers=self.stack.headers)

    async def _watch(self) -> None:
        """Probe liveness four times a second. The kubelet does so less often."""
        async with httpx.AsyncClient(base_url=self.stack.base, timeout=10) as client:
            while not self._stopping.is_set():
                answer = await self._send(client, "GET", "/health/live", into=self.lives)
                if answer is None or answer.headers.get("connection") == "close":
                    return
                await asyncio.sleep(0.25)

    async def _beat(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            await asyncio.sleep(0.1)
            self.stall = max(self.stall, time.monotonic() - started - 0.1)

    async def _send(
        self, client: httpx.AsyncClient, method: str, path: str, into: list[Answer] | None = None, **options: object
    ) -> httpx.Response | None:
        answers, started = self.answers if into is None else into, time.monotonic()
        try:
            answer = await client.request(method, path, **options)  # type: ignore[arg-type]  # passed on as given
        except httpx.TransportError as error:
            seconds = time.monotonic() - started
            answers.append(Answer(f"{method} {path}", 0, "", seconds, f"{type(error).__name__}: {error}"))
            return None
        media_type = answer.headers.get("content-type", "")
        answers.append(Answer(f"{method} {path}", answer.status_code, media_type, time.monotonic() - started))
        return answer

    def check_answers(self) -> None:
        """Every answer was a success or a problem, liveness never anything but 200."""
        slowest = max(answer.seconds for answer in self.answers)
        counts = dict(sorted(Counter(answer.status for answer in self.answers).items()))
        log.warning("answers %s, slowest %.1f s, %d of liveness", counts, slowest, len(self.lives))
        assert len(self.answers) > CONNECTIONS, "there was no load"
        wrong = [answer for answer in self.answers if not answer.acceptable]
        assert not wrong, wrong[:5]
        dead = [answer for answer in self.lives if answer.status != 200]
        assert not dead, dead[:5]

    def check_effects(self) -> None:
        """Assert that acknowledged work exists, and was done once."""
        assert self.written or self.asked
        until(lambda: self.asked <= self._found("probe_effects").keys(), "all work is done")
        rows, effects = self._found("probes"), self._found("probe_effects")
        assert [one for one in self.written if rows.get(one) != 1] == []
        assert [one for one in self.asked if effects.get(one) != 1] == []

    def _found(self, table: str) -> dict[object, object]:
        rows = self.stack.sql(f"SELECT id, count(*) FROM {table} GROUP BY id")  # noqa: S608  one of two tables
        return {row[0]: row[1] for row in rows}


@contextmanager
def under_load(stack: Stack, seconds_of_work: float = 0.0) -> Iterator[Load]:
    """Run the load inside the block. It is established when the block starts, and answered when it ends."""
    load = Load(stack, seconds_of_work)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        until(lambda: len(load.answers) > 10 * CONNECTIONS, "the load is under way")
        yield load
    finally:
        load.stop()
        thread.join()
