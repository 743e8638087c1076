"""Valkey or Redis: connections with short time-outs, behind a circuit breaker, and what counts as an outage."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError, TimeoutError
from redis.exceptions import ConnectionError as RedisConnectionError

from app.kit.breaker import Breaker

log = structlog.stdlib.get_logger(__name__)

# A healthy answer takes under 1 ms: half a second without one is an outage, not load.
CALL_TIMEOUT = 0.5
# A process has fewer calls under way at a time, unless the server is slow.
MAX_CONNECTIONS = 50

# What a caller treats as "Redis does not answer". A primary that was replaced answers READONLY, a full one OOM.
OUTAGES = (RedisConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError)


class CircuitOpen(RedisConnectionError):  # noqa: N818  a state, as the pattern names it
    """Redis failed a moment ago: it was not asked."""


class GuardedPool(BlockingConnectionPool):
    """A pool whose breaker refuses connections during an outage, so that a caller loses no time on it."""

    def __init__(self, *, use: str, **arguments: Any) -> None:
        # The plain pool connects one connection after the other: with a server that hangs, callers would queue.
        super().__init__(**arguments)
        self._breaker = Breaker(use)

    async def get_connection(self, *_unused: object, **_options: object) -> AbstractConnection:
        """A connection that is ready. Raises CircuitOpen during an outage, or one of OUTAGES."""
        if not self._breaker.admit():
            raise CircuitOpen("redis did not answer a moment ago")
        connection: AbstractConnection = await super().get_connection()
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back. redis-py closes one whose call failed, and one that it could not open."""
        if connection.is_connected:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        await super().release(connection)


class SharingRedis(Redis):
    """A client whose calls of one moment share a round trip: under load that is a tenth of the work of one each."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: list[_Call] = []
        self._senders: set[asyncio.Task[None]] = set()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer to a command. Raises one of OUTAGES, or what the server refused it with."""
        call = _Call(args, options, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._waiting) == 1:
            # Starts after whatever else is ready at this moment, and so takes along what that asks.
            sender = asyncio.create_task(self._send())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)
        return await call.answer

    async def _send(self) -> None:
        calls, self._waiting = self._waiting, []
        pipeline = self.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command(*call.args, **call.options)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except OUTAGES as error:
            answers = [error] * len(calls)
        except (RedisError, ValueError, TypeError):
            # One call is not of a form that can be sent: the others must not fail with it.
            answers = await asyncio.gather(*(self._alone(call) for call in calls), return_exceptions=True)
        for call, answer in zip(calls, answers, strict=True):
            call.give(answer)

    async def _alone(self, call: "_Call") -> Any:
        return await Redis.execute_command(self, *call.args, **call.options)  # type: ignore[no-untyped-call]  # redis-py


@dataclass(slots=True)
class _Call:
    args: tuple[Any, ...]
    options: dict[str, Any]
    answer: asyncio.Future[Any]

    def give(self, answer: object) -> None:
        if self.answer.done():
            return  # the caller was cancelled
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


def connect(url: str, use: str = "state") -> Redis:
    """A client with its own pool. Connects on first use; close it with `aclose`.

    `use` names the pool in metrics: `state` for sessions, limits and queue, `cache` for the cache.
    """
    # redis-py checks the chain by itself, but not that the certificate is this host's.
    tls: dict[str, bool] = {"ssl_check_hostname": True} if url.startswith("rediss:") else {}
    pool = GuardedPool.from_url(
        url,
        **tls,
        use=use,
        max_connections=MAX_CONNECTIONS,
        timeout=CALL_TIMEOUT,
        socket_timeout=CALL_TIMEOUT,
        socket_connect_timeout=CALL_TIMEOUT,
        socket_keepalive=True,
        # No health check: redis-py nests one in the other where the server accepts connections and stays silent.
        # A connection that the server closed is found when it leaves the pool, and opened anew.
        health_check_interval=0,
        # The breaker decides when to ask again.
        retry=Retry(NoBackoff(), 0),
    )
    return SharingRedis.from_pool(pool)


def report(event: str, error: Exception, **fields: object) -> None:
    """Log that Redis failed a call; during an outage the breaker's own line has said so already."""
    if not isinstance(error, CircuitOpen):
        log.warning(event, error=str(error) or type(error).__name__, **fields)
