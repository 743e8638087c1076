"""Dependencies that any route may use. All are `async`: FastAPI runs plain functions in a thread, which is slower."""

from typing import Annotated

from fastapi import Depends, Request

from app.composition import Resources
from app.kit.cache import Cache
from app.kit.queue import Queue
from app.settings import Settings


def resources_of(request: Request) -> Resources:
    """The resources of the process that serves a request."""
    resources: Resources = request.app.state.resources
    return resources


async def _cache(request: Request) -> Cache:
    return resources_of(request).cache


async def _queue(request: Request) -> Queue:
    return resources_of(request).queue


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _resources(request: Request) -> Resources:
    return resources_of(request)


# All resources, for a route that needs several of them: each dependency adds some microseconds to every request.
ResourcesDep = Annotated[Resources, Depends(_resources)]
CacheDep = Annotated[Cache, Depends(_cache)]
QueueDep = Annotated[Queue, Depends(_queue)]
SettingsDep = Annotated[Settings, Depends(_settings)]
