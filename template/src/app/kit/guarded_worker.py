"""ARQ's worker, changed so that no queue entry can stop it. Anybody who can write to Redis can write any entry.

ARQ trusts names, scores and fields of entries, and its loop ends at the first that it cannot read. This worker removes
and counts entries that it cannot run. An entry only names a task; the task's row decides what the job does.

ARQ also polls its queue at a fixed interval, which is either too long for many short jobs or costs an idle worker
CPU. This worker polls rarely while it is idle, and soon after each job that ends.
"""

import asyncio
import math
from typing import Any

import structlog
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.worker import Worker
from prometheus_client import Counter
from redis.exceptions import ResponseError

log = structlog.stdlib.get_logger(__name__)

JOBS_DROPPED = Counter("jobs_dropped", "Entries of the queue that could not be run: malformed, unknown or expired")

# Seconds between the end of a job and the next poll, so that jobs which end together share one poll.
_PAUSE = 0.1
# The longest job name that is accepted, far above the length of the service's own names.
_LONGEST_NAME = 200
# The errors that ARQ raises for fields of an unexpected type, or for numbers that are not valid times.
_UNREADABLE = (TypeError, ValueError, OverflowError, AttributeError, LookupError)
# Refusals because a key holds another type. All other refusals depend on the server's state, and count as an outage.
_OTHER_KIND = ("WRONGTYPE", "not an integer")


class GuardedWorker(Worker):
    """Runs valid queue entries, and drops the others."""

    async def _poll_iteration(self) -> None:
        """Read the queue; while jobs run, read it again whenever one ends and at each poll."""
        await super()._poll_iteration()
        while self.tasks and not self.burst:
            running = list(self.tasks.values())
            await asyncio.wait(running, timeout=self.poll_delay_s, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(_PAUSE)
            await super()._poll_iteration()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        """Start the jobs whose names and scores have the form that this service writes, and drop the others."""
        # redis-py's types ask for text, but it sends bytes unchanged, and a name need not be text.
        names: list[Any] = list(job_ids)
        scores: list[float | None] = await self.pool.zmscore(self.queue_name, names) if names else []
        sound = []
        for job_id, score in zip(job_ids, scores, strict=True):
            if score is None or (_is_name(job_id) and math.isfinite(score) and score > 0):
                sound.append(job_id)
            else:
                await self._drop(job_id)
        await super().start_jobs(sound)

    async def run_job(self, job_id: str, score: int) -> None:
        """Run a job, or drop it if its entry cannot be read."""
        try:
            await super().run_job(job_id, score)
        except _UNREADABLE:
            await self._drop(job_id.encode())
        except ResponseError as error:
            if not any(words in str(error) for words in _OTHER_KIND):
                raise
            await self._drop(job_id.encode())

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """Remove a job that ARQ itself found to be unreadable, of an unknown kind, or expired."""
        JOBS_DROPPED.inc()
        await super().finish_failed_job(job_id, result_data)

    async def _drop(self, job_id: bytes) -> None:
        JOBS_DROPPED.inc()
        log.warning("entry of the queue dropped", queue=self.queue_name, name=repr(job_id[:_LONGEST_NAME]))
        keys: list[Any] = [
            prefix.encode() + job_id for prefix in (job_key_prefix, retry_key_prefix, in_progress_key_prefix)
        ]
        async with self.pool.pipeline(transaction=True) as pipe:
            pipe.zrem(self.queue_name, job_id)
            pipe.delete(*keys)
            await pipe.execute()


def _is_name(job_id: bytes) -> bool:
    return len(job_id) <= _LONGEST_NAME and job_id.isascii()
