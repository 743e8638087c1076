"""Valkey or Redis: connections with short time-outs, behind a circuit breaker, and what counts as an outage."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ReadOnlyError, RedisError, ResponseError, TimeoutError

from app.kit.breaker import Breaker

log = structlog.stdlib.get_logger(__name__)

# A healthy answer takes under 1 ms: half a second without one is an outage, not load.
CALL_TIMEOUT = 0.5
# A process has fewer calls under way at a time, unless the server is slow.
MAX_CONNECTIONS = 50

# Exceptions that callers treat as an outage of Redis. ResponseError is every refusal: READONLY, OOM, MISCONF,
# NOREPLICAS, NOPERM, MASTERDOWN, BUSY and those of later releases, most of which redis-py has no class for.
OUTAGES = (RedisConnectionError, TimeoutError, ResponseError, InvalidResponse)

# Minimum seconds between two renewals, which close all idle connections after the server says that it is a replica.
RENEWAL_PAUSE = 1.0

# Minimum seconds between two log lines about the same event. Events are keyed by name; the code has about a dozen.
REPORT_PAUSE = 1.0
_reported: dict[str, float] = {}


class CircuitOpen(RedisConnectionError):  # noqa: N818  a state, as the pattern names it
    """The call was not sent, because Redis failed a moment ago."""


class GuardedPool(BlockingConnectionPool):
    """A pool whose breaker refuses connections during an outage, so that callers do not wait."""

    def __init__(self, *, use: str, **arguments: Any) -> None:
        # The plain pool connects one connection after the other: with a server that hangs, callers would queue.
        super().__init__(**arguments)
        self._breaker = Breaker(use)
        self._renewed_at = -RENEWAL_PAUSE

    async def get_connection(self, *_unused: object, **_options: object) -> AbstractConnection:
        """A connection that is ready. Raises CircuitOpen during an outage, or one of OUTAGES."""
        if not self._breaker.admit():
            raise CircuitOpen("redis did not answer a moment ago")
        connection: AbstractConnection = await super().get_connection()
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Return a connection to the pool. redis-py closes connections whose call failed or that it could not open."""
        if connection.is_connected:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        await super().release(connection)

    async def renew(self) -> None:
        """Close the idle connections, so that the next call resolves the host name again.

        After a failover, open connections lead to the old primary, which is a replica now, for as long as they live.
        """
        if time.monotonic() - self._renewed_at >= RENEWAL_PAUSE:
            self._renewed_at = time.monotonic()
            # TLS closes with a handshake. If that exceeds the call's time-out, the connection is dropped without it.
            with suppress(TimeoutError):
                await self.disconnect(inuse_connections=False)


class SharingRedis(Redis):
    """A client that sends concurrent calls in one round trip, which takes a tenth of the work under load."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: list[_Call] = []
        self._senders: set[asyncio.Task[None]] = set()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and return the reply. Raises one of OUTAGES, also if the server refuses the command."""
        call = _Call(args, options, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._waiting) == 1:
            # The task starts after all callbacks that are ready now, so it also sends the calls that they add.
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
            # One of the calls cannot be encoded. Send each separately, so that the others do not fail with it.
            answers = await asyncio.gather(*(self._alone(call) for call in calls), return_exceptions=True)
        for call, answer in zip(calls, answers, strict=True):
            call.give(answer)
        if any(isinstance(answer, ReadOnlyError) for answer in answers):
            await renew(self)

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
    # By default redis-py checks the chain, but not that the certificate belongs to this host.
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
        # No health check: redis-py nests its checks if the server accepts connections but does not answer. A connection
        # that the server closed is detected and reopened when it leaves the pool.
        health_check_interval=0,
        # The breaker decides when to try again.
        retry=Retry(NoBackoff(), 0),
    )
    return SharingRedis.from_pool(pool)


async def renew(redis: Redis) -> None:
    """Make a client of `connect` open new connections after a server that became a replica refused a command."""
    if isinstance(redis.connection_pool, GuardedPool):
        await redis.connection_pool.renew()


async def check_writable(redis: Redis) -> None:
    """Raise one of OUTAGES unless the server accepts writes. A replica and a full server also answer PING."""
    await redis.set("health", b"1", ex=60)


def report(event: str, error: Exception, **fields: object) -> None:
    """Log a failed call once per event and REPORT_PAUSE, because a refusing server fails every request.

    During an outage this logs nothing, because the breaker has already logged it.
    """
    if isinstance(error, CircuitOpen):
        return
    now = time.monotonic()
    if now - _reported.get(event, -REPORT_PAUSE) >= REPORT_PAUSE:
        _reported[event] = now
        log.warning(event, error=str(error) or type(error).__name__, **fields)
