"""Health over HTTP: `/` for the load balancer, `/live` and `/ready` for the kubelet, `/dependencies` for people.

None of them counts as a request. Alarms read metrics, such as `database_connection_errors_total`.
"""

import asyncio
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from app.composition import Resources
from app.dependencies import ResourcesDep
from app.health.state import ServingState
from app.kit.redis import check_writable
from app.kit.responses import json_response

router = APIRouter(prefix="/health", tags=["health"])


async def _state(request: Request) -> ServingState:
    state: ServingState = request.app.state.serving
    return state


_StateDep = Annotated[ServingState, Depends(_state)]


class Component(StrEnum):
    """State of one part."""

    UP = "up"
    DOWN = "down"


class Health(BaseModel):
    """The state of the process and of its dependencies."""

    status: str
    components: dict[str, Component]


class Status(BaseModel):
    """The state of the process in one word."""

    status: str


@router.get("/", responses={503: {"model": Health}})
async def read_health(state: _StateDep, resources: ResourcesDep, response: Response) -> Health:
    """Return 200 while the process can serve, regardless of its dependencies, and 503 while it starts or drains."""
    response.status_code = 200 if state.serving else 503
    return Health(status=_word(state), components=await _components(state, resources))


@router.get("/live", response_model=Status)
async def read_liveness() -> Response:
    """Return 200 if the event loop responds. Dependencies are not checked, because a restart would not repair them."""
    return json_response(Status(status="live"))


@router.get("/ready", responses={503: {"model": Status}})
async def read_readiness(state: _StateDep, response: Response) -> Status:
    """Return 200 between start and draining. A database outage must not remove all pods from the load balancer."""
    response.status_code = 200 if state.serving else 503
    return Status(status=_word(state))


@router.get("/dependencies", responses={503: {"model": Health}})
async def read_dependencies(state: _StateDep, resources: ResourcesDep, response: Response) -> Health:
    """Return the state of the database and Redis; 503 if one is down."""
    components = await _components(state, resources)
    healthy = all(state is Component.UP for state in components.values())
    response.status_code = 200 if healthy else 503
    return Health(status="healthy" if healthy else "degraded", components=components)


def _word(state: ServingState) -> str:
    if state.draining:
        return "draining"
    return "serving" if state.started else "starting"


async def _components(state: ServingState, resources: Resources) -> dict[str, Component]:
    database, redis = await asyncio.gather(
        state.probes.answers("database", resources.database.ping),
        state.probes.answers("redis", lambda: check_writable(resources.redis)),
    )
    return {"database": _component(database), "redis": _component(redis)}


def _component(answers: bool) -> Component:
    return Component.UP if answers else Component.DOWN
