"""Valkey or Redis: connections with short time-outs, and what counts as an outage."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, TimeoutError
from redis.exceptions import ConnectionError as RedisConnectionError

# A healthy answer takes under 1 ms: half a second without one is an outage, not load.
CALL_TIMEOUT = 0.5
# A process has fewer calls under way at a time, unless the server is slow.
MAX_CONNECTIONS = 50

# What a caller treats as "Redis does not answer". A primary that was replaced answers READONLY, a full one OOM.
OUTAGES = (RedisConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError)


def connect(url: str) -> Redis:
    """A client with its own pool. Connects on first use; close it with `aclose`."""
    # redis-py checks the chain by itself, but not that the certificate is this host's.
    tls: dict[str, bool] = {"ssl_check_hostname": True} if url.startswith("rediss:") else {}
    # The plain pool connects one connection after the other: with a server that hangs, callers would queue for minutes.
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        **tls,
        max_connections=MAX_CONNECTIONS,
        timeout=CALL_TIMEOUT,
        socket_timeout=CALL_TIMEOUT,
        socket_connect_timeout=CALL_TIMEOUT,
        socket_keepalive=True,
        # No health check: redis-py nests one in the other where the server accepts connections and stays silent.
        health_check_interval=0,
        # One quick repeat hides a connection that the server closed while idle.
        retry=Retry(ExponentialBackoff(cap=0.05, base=0.01), 1),
    )
    return Redis.from_pool(pool)
