"""The worker: runs queued tasks and cron jobs, and serves its health and metrics."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import structlog
import uvicorn
from arq import cron
from arq.connections import ArqRedis
from arq.cron import CronJob as ArqCronJob
from arq.worker import Worker, func
from redis.exceptions import WatchError
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from app.composition import CronJob, Feature, Resources, discover, open_resources
from app.connections import BoundedProtocol, BoundedServer
from app.kit.guarded_worker import JOBS_DROPPED, GuardedWorker
from app.kit.logs import configure_logging
from app.kit.metrics import metrics_response
from app.kit.pool import job_connections
from app.kit.problems import Unavailable
from app.kit.queue import BULK_QUEUE, QUICK_QUEUE, RUN_TASK, deserialize_job, serialize_job
from app.kit.redis import OUTAGES, renew, report
from app.settings import Settings
from app.tasks.backlog import keep_measuring
from app.tasks.runner import run_task

log = structlog.stdlib.get_logger(__name__)

# Each pod has its own key: with a shared one, the first pod to stop would report all of them dead.
HEALTH_INTERVAL = 15
RECONNECT_PAUSE = 1.0
# Seconds between polls, and so the delay of a new task in an idle worker. Two polls a second, one per queue, cost 2 to
# 3 mCPU.
POLL = 1.0
# Seconds between checks for deadlines and shutdown: uvicorn's ten a second took a third of an idle worker's CPU.
HEALTH_LOOK = 0.5


class Places:
    """The places of a process for jobs, which its two queues share, and one for all suspects together.

    Places limit the number of running jobs, and so the memory they need. The pool limits connections separately: a job
    that waits for another server needs a place but no connection.

    A suspect was running when its last worker died. Suspects run one at a time: if one kills this worker too, no other
    suspect was running, so none is given up in its place.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = asyncio.Semaphore(jobs)
        self._suspects = asyncio.Lock()

    @asynccontextmanager
    async def one(self, *, suspect: bool) -> AsyncIterator[None]:
        """Wait for a place, and hold it for the length of a block."""
        async with AsyncExitStack() as stack:
            if suspect:
                await stack.enter_async_context(self._suspects)
            await stack.enter_async_context(self._jobs)
            yield


def make_worker(
    resources: Resources,
    features: Sequence[Feature],
    *,
    queue: str = QUICK_QUEUE,
    jobs: int = 10,
    places: Places | None = None,
    burst: bool = False,
    poll: float | None = None,
) -> Worker:
    """An ARQ worker over one queue and the features' cron jobs. With `burst` it ends when the queue is empty."""
    shared = places or Places(jobs)

    async def run(ctx: dict[Any, Any], task_id: str, suspect: bool = False) -> None:  # noqa: ARG001  ARQ passes its context
        try:
            number = UUID(str(task_id))
        except ValueError:
            JOBS_DROPPED.inc()
            log.warning("job names no task", name=repr(task_id)[:100])
            return
        try:
            async with shared.one(suspect=suspect is True):
                await run_task(resources, number)
        except (Unavailable, SQLAlchemyError, TimeoutError) as error:
            # The row still shows the task as unfinished: once the lease expires, the sweeper finds it.
            log.warning("attempt not recorded", task_id=task_id, error=type(error).__name__)

    return GuardedWorker(
        # The task's row counts attempts and schedules retries, so ARQ does neither.
        functions=[func(run, name=RUN_TASK, keep_result=0, max_tries=1_000_000)],
        cron_jobs=[_cron(resources, job) for feature in features for job in feature.cron],
        redis_pool=ArqRedis(
            connection_pool=resources.redis.connection_pool,
            job_serializer=serialize_job,
            job_deserializer=deserialize_job,
        ),
        queue_name=queue,
        burst=burst,
        poll_delay=poll or POLL,
        handle_signals=False,
        job_completion_wait=resources.settings.job_completion_wait,
        max_jobs=jobs,
        # Later than the task's own deadline, which leaves time to record the outcome.
        job_timeout=resources.settings.job_timeout + 10,
        keep_result=0,
        retry_jobs=False,
        health_check_interval=HEALTH_INTERVAL,
        health_check_key=f"arq:health:{uuid4().hex}",
        job_serializer=serialize_job,
        job_deserializer=deserialize_job,
        log_results=False,
    )


def _cron(resources: Resources, job: CronJob) -> ArqCronJob:
    async def run(ctx: dict[Any, Any]) -> None:  # noqa: ARG001  ARQ passes its context
        try:
            await job.run(resources)
        except (Unavailable, SQLAlchemyError, TimeoutError, *OUTAGES) as error:
            log.warning("cron job did not end", job=job.name, error=type(error).__name__)

    return cron(
        run,
        name=f"cron:{job.name}",
        second=set(job.second),
        minute=set(job.minute) if job.minute else None,
        keep_result=0,
    )


class _HealthServer(BoundedServer):
    """uvicorn without its signal handlers, because the worker has its own, and with fewer checks."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Check for deadlines and shutdown, less often than uvicorn does."""
        while not await self.on_tick(0):  # noqa: ASYNC110  uvicorn sets a flag and offers no event
            await asyncio.sleep(HEALTH_LOOK)


async def health_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer /live and /metrics from the worker's event loop. /live only shows that the loop responds."""
    if scope["path"] == "/metrics":
        await metrics_response()(scope, receive, send)
        return
    status = 200 if scope["path"] == "/live" else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass(slots=True)
class _Lane:
    """One queue, and how many of its jobs run at a time. `jobs` still run after the loss of their connection."""

    queue: str
    features: Sequence[Feature]
    most: int
    jobs: set[asyncio.Task[None]] = field(default_factory=set)

    def free_jobs(self) -> int:
        """Return how many more jobs may be taken."""
        return max(1, self.most - len(self.jobs))


class WorkerProcess:
    """The worker of a process. It survives outages of Redis, and shuts down gracefully on SIGTERM or SIGINT."""

    def __init__(self, settings: Settings, features: Sequence[Feature], host: str) -> None:
        self._settings = settings
        self._features = features
        self._host = host
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until stopped, then wait up to JOB_COMPLETION_WAIT seconds for jobs under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        async with open_resources(self._settings, self._features) as resources:
            server, serving = self._serve_health()
            measuring = asyncio.create_task(keep_measuring(resources))
            jobs, bulk = self._settings.worker_concurrency, self._most_bulk_jobs()
            places = Places(jobs)
            lanes = [_Lane(QUICK_QUEUE, self._features, jobs), _Lane(BULK_QUEUE, (), bulk)]
            connections = job_connections(self._settings.database_pool_size)
            log.info("worker started", concurrency=jobs, bulk_concurrency=bulk, job_connections=connections)
            async with asyncio.TaskGroup() as working:
                for lane in lanes:
                    working.create_task(self._keep_working(resources, lane, places))
            measuring.cancel()
            server.should_exit = True
            await asyncio.gather(serving, measuring, return_exceptions=True)

    async def _keep_working(self, resources: Resources, lane: "_Lane", places: Places) -> None:
        while not self._stopping.is_set():
            await self._work(resources, lane, places)

    async def _work(self, resources: Resources, lane: "_Lane", places: Places) -> None:
        """Take jobs until stopped, or until Redis fails. Jobs under way continue without Redis."""
        worker = make_worker(resources, lane.features, queue=lane.queue, jobs=lane.free_jobs(), places=places)
        running = asyncio.create_task(worker.async_run())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stopping.is_set():
            await self._finish(worker, running, lane)
        for job in worker.tasks.values():
            job.add_done_callback(_note_failure)
        lane.jobs = {job for job in (*lane.jobs, *worker.tasks.values()) if not job.done()}
        try:
            await running
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
        except (*OUTAGES, WatchError) as error:
            # redis-py raises WatchError for a connection lost between WATCH and EXEC.
            report("queue does not answer", error)
            await renew(resources.redis)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), RECONNECT_PAUSE)

    def _most_bulk_jobs(self) -> int:
        # A bulk task holds a connection, and a whole file in memory, for as long as it runs. Half of the connections
        # stay for the other tasks.
        half = job_connections(self._settings.database_pool_size) // 2
        return max(1, min(half, self._settings.worker_concurrency // 2))

    async def _finish(self, worker: Worker, running: asyncio.Task[None], lane: "_Lane") -> None:
        """Take no new jobs, give those under way their time, then end the worker."""
        worker.allow_pick_jobs = False
        jobs = {job for job in (*lane.jobs, *worker.tasks.values()) if not job.done()}
        if jobs:
            await asyncio.wait(jobs, timeout=self._settings.job_completion_wait)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        # A call that is just ending can swallow a cancellation, so cancel repeatedly.
        while not running.done():
            if worker.main_task is not None:
                worker.main_task.cancel()
            await asyncio.wait({running}, timeout=1)

    def _stop(self, number: signal.Signals) -> None:
        self._stopping.set()
        log.info("worker is stopping", signal=number.name)

    def _serve_health(self) -> tuple[uvicorn.Server, asyncio.Task[None]]:
        config = uvicorn.Config(
            health_application,
            host=self._host,
            port=self._settings.worker_port,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=BoundedProtocol,
            ws="none",
        )
        server = _HealthServer(config)
        return server, asyncio.create_task(server.serve())


def _note_failure(job: asyncio.Task[None]) -> None:
    """Log a job that lost its queue. PostgreSQL has its outcome nevertheless."""
    if not job.cancelled() and (error := job.exception()):
        log.info("job could not be taken off the queue", error=type(error).__name__)


def run_worker(host: str = "0.0.0.0") -> None:  # noqa: S104  the pod's own address
    """Run the worker until SIGTERM or SIGINT. Raises ConfigurationError."""
    settings = Settings.load()
    configure_logging(settings.environment, settings.log_level, service=settings.service, release=settings.release)
    asyncio.run(WorkerProcess(settings, discover(), host).run())
