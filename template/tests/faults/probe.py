"""A feature only for these tests, which therefore work with any service. Each write leaves a row to count."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from app.composition import Feature, TaskHandler, TaskRun
from app.dependencies import CacheDep, QueueDep
from app.idempotency.routing import IdempotentRoute, idempotent_by_address
from app.kit.database import UnitOfWorkDep
from app.kit.problems import NotFound
from app.kit.queue import TaskKind
from app.kit.ratelimit import Limit, limited_by_address
from app.tasks.service import request_task

TABLES = (
    "CREATE TABLE IF NOT EXISTS probes (id uuid NOT NULL)",
    "CREATE TABLE IF NOT EXISTS probe_effects (id uuid NOT NULL, attempt integer NOT NULL)",
)

router = APIRouter(
    prefix="/v1/probes",
    dependencies=[limited_by_address(Limit("probes", 1_000_000, 60))],
    route_class=IdempotentRoute,
)


class Probe(BaseModel):
    """The value to write, and the seconds of work on it."""

    id: UUID
    seconds: float = 0


WORK = TaskKind("probe.work", Probe)


@router.post("", status_code=201, dependencies=[idempotent_by_address])
async def write(probe: Probe, work: UnitOfWorkDep) -> Probe:
    """Write a row."""
    await work.session.execute(text("INSERT INTO probes (id) VALUES (:id)"), {"id": probe.id})
    return probe


@router.post("/tasks", status_code=202, dependencies=[idempotent_by_address])
async def ask(probe: Probe, work: UnitOfWorkDep, queue: QueueDep) -> Probe:
    """Have the worker write a row."""
    request_task(work, queue, WORK, probe)
    return probe


@router.get("/{probe_id:uuid}")
async def read(probe_id: UUID, request: Request, cache: CacheDep) -> Response:
    """Read through the cache."""

    async def fill() -> bytes | None:
        async with request.app.state.resources.database.unit_of_work() as work:
            found = await work.session.scalar(text("SELECT 1 FROM probes WHERE id = :id"), {"id": probe_id})
        return b'{"there": true}' if found else None

    cached = await cache.get_or_fill(f"probe:{probe_id}", fill, ttl=2)
    if cached.value is None:
        raise NotFound
    return Response(cached.value, media_type="application/json")


async def work_on(run: TaskRun, probe: Probe) -> None:
    """Leave an effect, wait for the requested time, then succeed."""
    await run.work.session.execute(
        text("INSERT INTO probe_effects (id, attempt) VALUES (:id, :attempt)"),
        {"id": probe.id, "attempt": run.attempt},
    )
    await asyncio.sleep(probe.seconds)


feature = Feature(name="probe", router=router, task_handlers=(TaskHandler(WORK, work_on),))
