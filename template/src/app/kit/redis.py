"""Valkey or Redis: connections with short time-outs, and what counts as an outage."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ReadOnlyError, TimeoutError
from redis.exceptions import ConnectionError as RedisConnectionError

# A healthy answer takes under 1 ms: half a second without one is an outage, not load.
CALL_TIMEOUT = 0.5

# What a caller treats as "Redis does not answer". A replica that was promoted away answers READONLY.
OUTAGES = (RedisConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)


def connect(url: str) -> Redis:
    """A client with its own pool. Connects on first use; close it with `aclose`."""
    # redis-py checks the chain by itself, but not that the certificate is this host's.
    tls: dict[str, bool] = {"ssl_check_hostname": True} if url.startswith("rediss:") else {}
    client: Redis = Redis.from_url(
        url,
        **tls,
        socket_timeout=CALL_TIMEOUT,
        socket_connect_timeout=CALL_TIMEOUT,
        socket_keepalive=True,
        health_check_interval=30,
        # One quick repeat hides a connection that the server closed while idle.
        retry=Retry(ExponentialBackoff(cap=0.05, base=0.01), 1),
    )
    return client
