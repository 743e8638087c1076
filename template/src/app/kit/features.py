"""The parts that a feature adds to the service. Each package beside main.py that holds a feature.py is one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fastapi import APIRouter, FastAPI

from app.kit.configuration import Section
from app.kit.identity import Authenticator
from app.kit.mail import Mailer
from app.kit.queue import CronJob, TaskContext, TaskHandler

if TYPE_CHECKING:
    from app.kit.resources import Resources

_Part = TypeVar("_Part")


class FeatureError(Exception):
    """A feature package is not built as the service expects."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One part of the service; every attribute but the name is optional.

    `settings` is read at the start. `authenticator` and `mailer` are made by exactly one feature each.
    `bulk_tasks` are kinds that take long or come in numbers: they get half of a worker's places, others come first.
    `install` may add middleware to the application. `lifespan` surrounds the life of API and worker alike.
    `task_context` hands something from a request to the tasks that it asks for.
    `seed` fills a development database and returns the lines that `app dev` prints.
    """

    name: str
    router: APIRouter | None = None
    settings: type[Section] | None = None
    task_handlers: Mapping[str, TaskHandler] = field(default_factory=dict)
    bulk_tasks: frozenset[str] = frozenset()
    cron: Sequence[CronJob] = ()
    task_context: TaskContext | None = None
    authenticator: "Callable[[Resources], Authenticator] | None" = None
    mailer: "Callable[[Resources], Mailer] | None" = None
    install: Callable[[FastAPI], None] | None = None
    lifespan: "Callable[[Resources], AbstractAsyncContextManager[None]] | None" = None
    seed: "Callable[[Resources, str], Awaitable[list[str]]] | None" = None


def provider(features: Sequence[Feature], part: str, get: Callable[[Feature], _Part | None]) -> _Part:
    """The part that exactly one feature brings. Raises FeatureError when none does, or more than one."""
    found = [(feature.name, value) for feature in features if (value := get(feature)) is not None]
    if len(found) != 1:
        names = ", ".join(name for name, _ in found) or "none"
        raise FeatureError(f"exactly one feature must bring the {part}; found: {names}")
    return found[0][1]
