"""The parts of a process: discovered features, their settings, and the resources of the process.

Features import this module, which imports none of them by name. Every package beside it with a feature.py is a
feature.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import UUID

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from redis.asyncio import Redis

from app.kit.cache import Cache
from app.kit.configuration import ConfigurationError, Fault, Section
from app.kit.database import Database, UnitOfWork
from app.kit.identity import Authenticator
from app.kit.lock_order import check_order
from app.kit.mail import Mailer
from app.kit.metrics import set_build_info
from app.kit.personal_data import UserRows
from app.kit.queue import Payload, Queue, TaskContext, TaskKind
from app.kit.ratelimit import RateLimiter, RateLimitSettings
from app.kit.redis import connect
from app.kit.redis_settings import RedisSettings
from app.settings import Settings

_PACKAGE = Path(__file__).parent
_Model = TypeVar("_Model", bound=BaseModel)
_Part = TypeVar("_Part")
_Section = TypeVar("_Section", bound=Section)


class FeatureError(Exception):
    """A feature package does not have the expected structure."""


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
    task_handlers: "Mapping[str, TaskHandler[Any]]"
    task_contexts: Sequence[TaskContext]
    personal_data: Sequence[UserRows]
    authenticator: Authenticator = field(init=False)
    mailer: Mailer = field(init=False)

    def section(self, kind: type[_Section]) -> _Section:
        """Return a feature's settings. Raises KeyError if no feature has that section."""
        return _section(self.sections, kind)


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One attempt at a task: its unit of work, which also records the success, and what it needs to know.

    `attempt` counts from 1. `language` is that of the request which asked for the task.
    """

    work: UnitOfWork
    resources: Resources
    task_id: UUID
    owner_id: UUID | None
    language: str
    attempt: int


@dataclass(frozen=True, slots=True)
class TaskHandler(Generic[_Model]):
    """The function that does the work of one kind of task and returns its result.

    A Problem that it raises fails the task for good; any other exception, and Unavailable, causes a retry.
    """

    kind: TaskKind[_Model]
    function: Callable[[TaskRun, _Model], Awaitable[Payload | None]]

    async def run(self, run: TaskRun, stored: Payload) -> Payload | None:
        """Do the work on a row's payload."""
        return await self.function(run, self.kind.read(stored))


@dataclass(frozen=True, slots=True)
class CronJob:
    """A function that one of all workers runs at these seconds of every minute, or of the given minutes."""

    name: str
    run: Callable[[Resources], Awaitable[None]]
    second: frozenset[int] = frozenset({0})
    minute: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """One part of the service; every attribute but the name is optional.

    `settings` is read at the start. `authenticator` and `mailer` are made by exactly one feature each.
    `install` may add middleware to the application. `lifespan` surrounds the life of API and worker alike.
    `task_context` passes values from a request to the tasks that it enqueues.
    `personal_data` declares the tables that hold rows of a user, for exports and for the deletion of an account.
    `seed` fills a development database and returns the lines that `app dev` prints.
    """

    name: str
    router: APIRouter | None = None
    settings: type[Section] | None = None
    task_handlers: Sequence[TaskHandler[Any]] = ()
    cron: Sequence[CronJob] = ()
    task_context: TaskContext | None = None
    authenticator: Callable[[Resources], Authenticator] | None = None
    mailer: Callable[[Resources], Mailer] | None = None
    install: Callable[[FastAPI], None] | None = None
    lifespan: Callable[[Resources], AbstractAsyncContextManager[None]] | None = None
    personal_data: Sequence[UserRows] = ()
    seed: Callable[[Resources, str], Awaitable[list[str]]] | None = None


def feature_packages() -> list[str]:
    """Names of the packages beside main.py that hold a feature.py, sorted."""
    packages = (module.name for module in pkgutil.iter_modules([str(_PACKAGE)]) if module.ispkg)
    return sorted(name for name in packages if (_PACKAGE / name / "feature.py").exists())


def discover() -> tuple[Feature, ...]:
    """Import every feature. Raises FeatureError naming the package that is wrong."""
    features = tuple(_load(name) for name in feature_packages())
    _refuse_shared_task_kinds(features)
    return features


def routers(features: Sequence[Feature]) -> list[APIRouter]:
    """Return the features' routers, those with few routes first: a request tries routes in order, 1 µs each."""
    return sorted((feature.router for feature in features if feature.router), key=_size)


def _size(router: APIRouter) -> int:
    # Newer releases of FastAPI keep a router that was included into another as one entry.
    included = (getattr(route, "original_router", None) for route in router.routes)
    return sum(_size(inner) if isinstance(inner, APIRouter) else 1 for inner in included)


def _load(name: str) -> Feature:
    module = importlib.import_module(f"app.{name}.feature")
    feature = getattr(module, "feature", None)
    if not isinstance(feature, Feature):
        raise FeatureError(f"app/{name}/feature.py must define `feature`, an app.composition.Feature")
    return feature


def _refuse_shared_task_kinds(features: Sequence[Feature]) -> None:
    owners: dict[str, str] = {}
    for feature in features:
        for kind in (handler.kind.name for handler in feature.task_handlers):
            if kind in owners:
                raise FeatureError(f"task kind {kind!r} is handled by both {owners[kind]} and {feature.name}")
            owners[kind] = feature.name


def provider(features: Sequence[Feature], part: str, get: Callable[[Feature], _Part | None]) -> _Part:
    """Return the part that exactly one feature provides. Raises FeatureError otherwise."""
    found = [(feature.name, value) for feature in features if (value := get(feature)) is not None]
    if len(found) != 1:
        names = ", ".join(name for name, _ in found) or "none"
        raise FeatureError(f"exactly one feature must bring the {part}; found: {names}")
    return found[0][1]


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
    """Create the resources, start the features, and close them in reverse order. Opens no connection."""
    sections = load_sections(features)
    check_order(settings.environment.is_local)
    set_build_info(settings.service, settings.release)
    handlers = [handler for feature in features for handler in feature.task_handlers]
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
            queue=Queue(redis, task_contexts, [handler.kind.name for handler in handlers if handler.kind.bulk]),
            limiter=RateLimiter(redis, limits),
            task_handlers={handler.kind.name: handler for handler in handlers},
            task_contexts=task_contexts,
            personal_data=[rows for feature in features for rows in feature.personal_data],
        )
        await _start(resources, features, stack)
        yield resources


async def _start(resources: Resources, features: Sequence[Feature], stack: AsyncExitStack) -> None:
    resources.authenticator = provider(features, "authenticator", lambda feature: feature.authenticator)(resources)
    resources.mailer = provider(features, "mailer", lambda feature: feature.mailer)(resources)
    for feature in features:
        if feature.lifespan:
            await stack.enter_async_context(feature.lifespan(resources))
