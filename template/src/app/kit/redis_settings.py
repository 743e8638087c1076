"""Settings of Redis, checked by processes that connect to it. Migrations do not connect, and need none of them."""

from collections.abc import Iterator

from pydantic import Field

from app.kit.addresses import environment_faults, has_password, is_loopback
from app.kit.configuration import Fault, Section

PLAIN_LOOPBACK = "true: servers on this machine's own loopback need neither TLS nor password"
_URL_HELP = "redis://host:port/0, or rediss:// for TLS"
_REMEDY = "write rediss://user:password@host:6379/0"


class RedisSettings(Section):
    """The settings of Redis, with their checks."""

    redis_url: str | None = Field(default=None, description=_URL_HELP)
    redis_host: str = Field(default="127.0.0.1", description="host name of Valkey or Redis")
    redis_password: str = Field(default="", description="password of REDIS_USERNAME")
    redis_tls: bool = Field(default=False, description="true or false")
    cache_redis_url: str | None = Field(default=None, description=_URL_HELP)
    cache_redis_host: str | None = Field(default=None, description="host of a second Redis for the cache alone")
    plain_loopback: bool = Field(default=False, description=PLAIN_LOOPBACK)

    def faults(self) -> Iterator[Fault]:
        """Outside development, refuse Redis without TLS or password; without ENVIRONMENT, refuse a remote Redis."""
        urls = {"REDIS_URL": self.redis_url, "CACHE_REDIS_URL": self.cache_redis_url}
        hosts = {"REDIS_HOST": self.redis_host, "CACHE_REDIS_HOST": self.cache_redis_host}
        parts = {name: f"redis://{host}" for name, host in hosts.items() if host and not urls[_url_of(name)]}
        if self.environment.is_local:
            named = {**parts, **{name: url for name, url in urls.items() if url}}
            yield from environment_faults(self, named)
            return
        for variable, url in urls.items():
            if url and not (self.plain_loopback and is_loopback(url)):
                yield from _url_faults(variable, url)
        if any(not (self.plain_loopback and is_loopback(url)) for url in parts.values()):
            if not self.redis_tls:
                yield Fault("REDIS_TLS", "leaves the connection open", "set true")
            if not self.redis_password:
                yield Fault("REDIS_PASSWORD", "is empty", "set the password of REDIS_USERNAME")


def _url_of(host: str) -> str:
    return host.replace("_HOST", "_URL")


def _url_faults(variable: str, url: str) -> Iterator[Fault]:
    if not url.startswith("rediss://"):
        yield Fault(variable, "leaves the connection open", _REMEDY)
    if not has_password(url):
        yield Fault(variable, "has no password", _REMEDY)
