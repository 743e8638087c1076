"""Load on one HTTP server: keeps so many connections busy until so many requests are answered.

A process of its own, so that its CPU is not the server's. Reads one JSON object from standard input:
{"port", "connections", "requests", "messages"}, where messages are whole requests, taken in turn. Prints one JSON object:
{"seconds", "statuses", "milliseconds": {"50", "99"}}.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence


class Load:
    """Counts what is asked and answered. `done` is set after the last answer, or when a connection breaks."""

    def __init__(self, messages: Sequence[bytes], requests: int) -> None:
        self._messages = messages
        self._requests = requests
        self._asked = 0
        self._answered = 0
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.done = asyncio.Event()

    def next_message(self) -> bytes | None:
        """The next request, or None when all are asked."""
        if self._asked == self._requests:
            return None
        self._asked += 1
        return self._messages[self._asked % len(self._messages)]

    def answered(self, status: str, seconds: float) -> None:
        """Note an answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)
        self._answered += 1
        if self._answered == self._requests:
            self.done.set()


class Connection(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again. Reads as much of HTTP as these servers speak: Content-Length."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Send the next request once the response is complete."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        self._load.answered(head[9:12].decode(), time.perf_counter() - self._asked_at)
        self._ask()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the run: a server that closes connections is not being measured."""
        if not self._load.done.is_set():
            self._load.statuses["closed"] += 1
            self._load.done.set()

    def _ask(self) -> None:
        message = self._load.next_message()
        if message is not None:
            self._asked_at = time.perf_counter()
            self._transport.write(message)


def _content_length(head: bytes) -> int:
    _, name, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if name else 0


async def run(port: int, connections: int, requests: int, messages: Sequence[str]) -> dict[str, object]:
    """Load a server and report."""
    load = Load([message.encode() for message in messages], requests)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    opened = await asyncio.gather(*(loop.create_connection(lambda: Connection(load), "127.0.0.1", port) for _ in range(connections)))
    await load.done.wait()
    seconds = time.perf_counter() - started
    for transport, _ in opened:
        transport.abort()
    ordered = sorted(load.seconds) or [0.0]
    return {
        "seconds": seconds,
        "statuses": load.statuses,
        "milliseconds": {str(share): round(1000 * ordered[len(ordered) * share // 100], 2) for share in (50, 99)},
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(**json.load(sys.stdin)))))
