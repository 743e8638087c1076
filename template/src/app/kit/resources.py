"""Resources that live as long as the process: created in its event loop at the start, closed there at the end."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from redis.asyncio import Redis

from app.kit.cache import Cache
from app.kit.configuration import ConfigurationError, Fault, Section
from app.kit.database import Database
from app.kit.features import Feature, provider
from app.kit.identity import Authenticator
from app.kit.lock_order import check_order
from app.kit.mail import Mailer
from app.kit.queue import Queue, TaskContext, TaskHandler
from app.kit.ratelimit import RateLimiter, RateLimitSettings
from app.kit.redis import connect
from app.kit.redis_settings import RedisSettings
from app.settings import Settings

_Section = TypeVar("_Section", bound=Section)


@dataclass
class Resources:
    """Shared by all requests, or all jobs, of one process."""

    settings: Settings
    sections: Mapping[type[Section], Section]
    database: Database
    redis: Redis
    cache: Cache
    queue: Queue
    limiter: RateLimiter
    task_handlers: Mapping[str, TaskHandler]
    task_contexts: Sequence[TaskContext]
    authenticator: Authenticator = field(init=False)
    mailer: Mailer = field(init=False)

    def section(self, kind: type[_Section]) -> _Section:
        """A feature's settings. Raises KeyError when no feature brings that section."""
        return _section(self.sections, kind)


def _section(sections: Mapping[type[Section], Section], kind: type[_Section]) -> _Section:
    section = sections[kind]
    if not isinstance(section, kind):
        raise KeyError(kind)
    return section


def load_sections(features: Sequence[Feature]) -> dict[type[Section], Section]:
    """Read the settings of Redis, limits and all features. Raises one ConfigurationError with the faults of all."""
    sections: dict[type[Section], Section] = {}
    faults: list[Fault] = []
    kinds: list[type[Section]] = [RedisSettings, RateLimitSettings]
    kinds += [feature.settings for feature in features if feature.settings]
    for kind in kinds:
        try:
            sections[kind] = kind.load()
        except ConfigurationError as error:
            faults.extend(error.faults)
    if faults:
        raise ConfigurationError(faults)
    return sections


@asynccontextmanager
async def open_resources(settings: Settings, features: Sequence[Feature]) -> AsyncIterator[Resources]:
    """Make everything, start the features, and close all of it in reverse. Opens no connection."""
    sections = load_sections(features)
    check_order(settings.environment.is_local)
    task_contexts = [feature.task_context for feature in features if feature.task_context]
    async with AsyncExitStack() as stack:
        database = Database(settings)
        stack.push_async_callback(database.close)
        redis = connect(settings.redis_address())
        stack.push_async_callback(redis.aclose)
        cache_redis = connect(settings.cache_address(), use="cache")
        stack.push_async_callback(cache_redis.aclose)
        limits = _section(sections, RateLimitSettings).limits()
        resources = Resources(
            settings=settings,
            sections=sections,
            database=database,
            redis=redis,
            cache=Cache(cache_redis),
            queue=Queue(redis, task_contexts, [kind for feature in features for kind in feature.bulk_tasks]),
            limiter=RateLimiter(redis, limits),
            task_handlers={kind: run for feature in features for kind, run in feature.task_handlers.items()},
            task_contexts=task_contexts,
        )
        await _start(resources, features, stack)
        yield resources


async def _start(resources: Resources, features: Sequence[Feature], stack: AsyncExitStack) -> None:
    resources.authenticator = provider(features, "authenticator", lambda feature: feature.authenticator)(resources)
    resources.mailer = provider(features, "mailer", lambda feature: feature.mailer)(resources)
    for feature in features:
        if feature.lifespan:
            await stack.enter_async_context(feature.lifespan(resources))
