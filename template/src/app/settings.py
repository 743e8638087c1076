"""Settings that the whole service shares. A feature's own settings are in that feature's package.

Read from project.env, then .env, then the environment: the last one wins.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from babel import localedata
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from app.kit.addresses import environment_faults, has_password, is_loopback, is_socket, postgresql_faults, redis_faults
from app.kit.configuration import Fault, Section, equal_faults, parse_json
from app.kit.money import currencies
from app.kit.redis_settings import PLAIN_LOOPBACK
from app.kit.times import time_zones


class Settings(Section):
    """One object for the process; frozen. Durations are in seconds."""

    service: str = Field(default="app", description="the service's name, a DNS label")
    release: str = Field(default="unreleased", description="version or commit of the running image")
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR"
    )
    route_prefix: str = Field(default="/api", pattern="^(/[a-z0-9-]+)+$", description="a path such as /api")
    public_url: str = Field(
        default="http://127.0.0.1:8000", pattern="^https?://[^/]+$", description="scheme and host, without a path"
    )
    trusted_proxies: int = Field(default=0, ge=0, le=5, description="how many proxies are in front, 0 to 5")
    cors_origins: Annotated[list[str], NoDecode, BeforeValidator(parse_json)] = Field(
        default=[], description='a JSON list such as ["https://www.example.com"]'
    )
    max_body_bytes: int = Field(default=65_536, ge=1_024, description="largest request body without files, bytes")
    max_upload_bytes: int = Field(default=1_048_576, ge=1_024, description="largest request body with files, bytes")

    languages: str = Field(default="en", description="language codes with commas between them")
    default_language: str = Field(default="en", description="one of LANGUAGES")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="an ISO 4217 code")
    time_zone: str = Field(default="UTC", description="an IANA time zone")

    database_url: str | None = Field(
        default=None, pattern="^postgresql://", description="postgresql://user:password@host:port/name"
    )
    database_host: str = Field(default="127.0.0.1", description="host name of PostgreSQL")
    database_port: int = Field(default=5432, ge=1, le=65535, description="1 to 65535")
    database_name: str = Field(default="app", description="name of the database")
    database_user: str = Field(default="app", description="role that the process connects as")
    database_password: str = Field(default="", description="password of DATABASE_USER")
    database_ssl_mode: str = Field(
        default="disable", pattern="^(disable|verify-full)$", description="disable or verify-full"
    )
    database_ssl_root_cert: str | None = Field(
        default=None, description="path of a PEM bundle; the system's when empty"
    )
    database_pool_size: int = Field(default=5, ge=1, le=100, description="connections a process may hold, 1 to 100")
    database_statement_timeout: float = Field(default=10, gt=0, description="seconds one statement may take")

    redis_url: str | None = Field(
        default=None, pattern="^rediss?://", description="redis://host:port/0, or rediss:// for TLS"
    )
    redis_host: str = Field(default="127.0.0.1", description="host name of Valkey or Redis")
    redis_port: int = Field(default=6379, ge=1, le=65535, description="1 to 65535")
    redis_username: str = Field(default="", description="ACL user")
    redis_password: str = Field(default="", description="password of REDIS_USERNAME")
    redis_tls: bool = Field(default=False, description="true or false")
    cache_redis_url: str | None = Field(
        default=None, pattern="^rediss?://", description="the URL of a second Redis for the cache alone"
    )
    cache_redis_host: str | None = Field(default=None, description="host of a second Redis for the cache alone")

    plain_loopback: bool = Field(default=False, description=PLAIN_LOOPBACK)

    worker_port: int = Field(default=8001, ge=1, le=65535, description="1 to 65535")
    worker_concurrency: int = Field(default=10, ge=1, le=100, description="jobs that one worker runs at a time")
    job_timeout: int = Field(default=300, ge=1, le=3600, description="seconds one job may take")
    # Below the worker's grace period, so that time remains to close connections.
    job_completion_wait: int = Field(default=90, ge=0, le=3600, description="seconds to finish jobs after SIGTERM")

    @property
    def language_codes(self) -> tuple[str, ...]:
        """LANGUAGES as a tuple, in the stated order."""
        return tuple(code.strip() for code in self.languages.split(",") if code.strip())

    def database_address(self) -> str:
        """The PostgreSQL URL, from DATABASE_URL or from its parts."""
        if self.database_url:
            return self.database_url
        credentials = f"{quote(self.database_user, safe='')}:{quote(self.database_password, safe='')}"
        return f"postgresql://{credentials}@{self.database_host}:{self.database_port}/{self.database_name}"

    def redis_address(self) -> str:
        """The Redis URL of queue, sessions and limits, from REDIS_URL or from its parts."""
        return self.redis_url or self._redis_address_of(self.redis_host)

    def cache_address(self) -> str:
        """The Redis URL of the cache: a second server where one is named, or else the first."""
        if self.cache_redis_url:
            return self.cache_redis_url
        return self._redis_address_of(self.cache_redis_host) if self.cache_redis_host else self.redis_address()

    def _redis_address_of(self, host: str) -> str:
        credentials = ""
        if self.redis_password:
            credentials = f"{quote(self.redis_username, safe='')}:{quote(self.redis_password, safe='')}@"
        return f"{'rediss' if self.redis_tls else 'redis'}://{credentials}{host}:{self.redis_port}/0"

    def faults(self) -> Iterator[Fault]:
        """Yield faults: unknown languages, zones and currencies, invalid URLs, and plain connections in a cluster."""
        yield from self._regional_faults()
        yield from postgresql_faults("DATABASE_URL", self.database_url)
        yield from redis_faults("REDIS_URL", self.redis_url)
        yield from redis_faults("CACHE_REDIS_URL", self.cache_redis_url)
        bundle = self.database_ssl_root_cert
        if bundle and not Path(bundle).is_file():
            yield Fault("DATABASE_SSL_ROOT_CERT", f"there is no file {bundle}", "name a PEM bundle, or leave it empty")
        if self.environment.is_local:
            yield from environment_faults(self, {self._database_variable: self.database_address()})
            return
        yield from self._open_database_faults()
        secrets = {"DATABASE_PASSWORD": self.database_password, "REDIS_PASSWORD": self.redis_password}
        yield from equal_faults(secrets, self.environment)

    @property
    def _database_variable(self) -> str:
        return "DATABASE_URL" if self.database_url else "DATABASE_HOST"

    def _open_database_faults(self) -> Iterator[Fault]:
        url = self.database_address()
        # The traffic of a Unix socket stays on the machine, and PostgreSQL can identify the peer.
        if is_socket(url) or (self.plain_loopback and is_loopback(url)):
            return
        if self.database_url and not has_password(url):
            yield Fault("DATABASE_URL", "has no password", "write postgresql://user:password@host:5432/name")
        elif not self.database_url and not self.database_password:
            yield Fault("DATABASE_PASSWORD", "is empty", "set the password of DATABASE_USER, or DATABASE_URL")
        if self.database_ssl_mode != "verify-full":
            yield Fault("DATABASE_SSL_MODE", "leaves the connection open", "set verify-full and DATABASE_SSL_ROOT_CERT")

    def _regional_faults(self) -> Iterator[Fault]:
        unknown = [code for code in self.language_codes if not localedata.exists(code)]
        if unknown or not self.language_codes:
            fault = f"has no language {unknown[0]!r}" if unknown else "names no language"
            yield Fault("LANGUAGES", fault, "write codes with commas between them, such as en,id")
        elif self.default_language not in self.language_codes:
            yield Fault(
                "DEFAULT_LANGUAGE", f"{self.default_language!r} is not in LANGUAGES", f"choose one of {self.languages}"
            )
        if self.currency not in currencies():
            yield Fault("CURRENCY", f"{self.currency!r} is not a currency", "write an ISO 4217 code such as USD")
        if self.time_zone not in time_zones():
            yield Fault("TIME_ZONE", f"{self.time_zone!r} is not a time zone", "write a name such as Asia/Singapore")

    # Your own settings: add them below this line, or in a section of your feature.
