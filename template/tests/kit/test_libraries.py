"""The service's use of undocumented parts of libraries. A failure here after an upgrade names the part that changed."""

import importlib.util
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import uvicorn
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.worker import Worker
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import AsyncAdaptedQueuePool
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.composition import Resources
from app.connections import BoundedProtocol, BoundedServer
from app.kit.guarded_worker import GuardedWorker
from app.kit.pool import FairPool
from app.kit.queue import QUICK_QUEUE, RUN_TASK, deserialize_job, serialize_job
from tests.conftest import ROOT

SUBCLASSES = [
    (GuardedWorker, Worker),
    (FairPool, AsyncAdaptedQueuePool),
    (BoundedProtocol, HttpToolsProtocol),
    (BoundedServer, uvicorn.Server),
]


@pytest.mark.parametrize(("ours", "theirs"), SUBCLASSES, ids=lambda each: each.__name__)
def test_overridden_methods_have_the_librarys_parameters(ours: type, theirs: type) -> None:
    overridden = {
        name: method for name, method in vars(ours).items() if inspect.isfunction(method) and hasattr(theirs, name)
    }
    assert set(overridden) - {"__init__"}
    for name, method in overridden.items():
        own, base = (list(inspect.signature(each).parameters) for each in (method, getattr(theirs, name)))
        assert name == "__init__" or own == base, name


async def test_an_entry_of_the_queue_is_as_arq_writes_it(resources: Resources) -> None:
    redis, task_id = resources.redis, uuid4()
    arq = ArqRedis(
        connection_pool=redis.connection_pool, job_serializer=serialize_job, job_deserializer=deserialize_job
    )
    await arq.enqueue_job(RUN_TASK, str(task_id), _job_id="theirs")
    await resources.queue.push(task_id, 1, name="ours")
    keys = sorted(key.decode() for key in await redis.keys("*"))
    assert keys == sorted([QUICK_QUEUE, f"{job_key_prefix}ours", f"{job_key_prefix}theirs"])
    entries = [json.loads(await redis.get(job_key_prefix + name)) for name in ("ours", "theirs")]
    times = [entry.pop("et") for entry in entries]
    assert entries[0] == entries[1]
    assert abs(times[0] - times[1]) < 60_000
    lifetimes = [await redis.pttl(job_key_prefix + name) for name in ("ours", "theirs")]
    assert abs(lifetimes[0] - lifetimes[1]) < 60_000
    scores = [await redis.zscore(QUICK_QUEUE, name) for name in ("ours", "theirs")]
    assert abs(scores[0] - scores[1]) < 60_000
    await resources.queue.push(task_id, 1, name="theirs")
    assert await redis.zcard(QUICK_QUEUE) == 2


async def test_a_turn_ends_with_its_connection_however_that_ends(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = resources.database.engine
    pool = engine.pool
    assert isinstance(pool, FairPool)

    async def take() -> None:
        for _ in range(2 * pool.size()):
            async with engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")

    for _ in range(pool.size()):
        async with engine.connect() as connection:
            await connection.invalidate()
    await take()
    for _ in range(pool.size()):
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            raw.detach()
    await take()
    for _ in range(2 * pool.size()):
        with pytest.raises(DBAPIError):
            async with engine.connect() as connection:
                await connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    await take()
    await engine.dispose()
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg, "connect", None)
        for _ in range(2 * pool.size()):
            with pytest.raises(TypeError):
                await engine.connect()
    await take()


def test_a_library_without_its_symbols_loads(tmp_path: Path) -> None:
    """The image's libraries are cut to the part that is loaded: 37 of 87 MB go."""
    specification = importlib.util.spec_from_file_location("trim", ROOT / "deploy/image/trim.py")
    assert specification is not None
    assert specification.loader is not None
    trim = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(trim)
    uvloop = importlib.util.find_spec("uvloop.loop")
    assert uvloop is not None
    assert uvloop.origin is not None
    library = Path(shutil.copy(uvloop.origin, tmp_path))
    whole = library.read_bytes()
    library.write_bytes(whole + bytes(1_000))
    trim.strip(library)
    assert library.stat().st_size <= len(whole)
    # In a separate process, because a library that was stripped too far would crash it.
    load = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).PyInit_loop"
    assert subprocess.run([sys.executable, "-c", load, library], check=False).returncode == 0
