"""API and worker are killed, paused and stopped: no accepted request or job is lost, and none is done twice."""

import signal
import time
from uuid import UUID, uuid4

import httpx
import pytest

from tests.faults.load import under_load
from tests.faults.stack import COMPLETION_WAIT, LEASE, Stack
from tests.waiting import until

pytestmark = pytest.mark.faults

# Seconds from the signal to the exit: draining, running requests or jobs, closing. The pod's grace period is far
# longer.
GRACE = COMPLETION_WAIT + 20


def ask(stack: Stack, seconds: float) -> UUID:
    """Start a task that takes a while."""
    one = uuid4()
    answer = httpx.post(f"{stack.base}/v1/probes/tasks", json={"id": str(one), "seconds": seconds}, timeout=30)
    assert answer.status_code == 202
    return one


def states(stack: Stack, one: UUID) -> list[tuple[object, ...]]:
    """Status and attempts of the task about an id, while it has its payload."""
    return stack.sql("SELECT status, attempts FROM tasks WHERE payload->>'id' = $1", str(one))


def effects(stack: Stack, one: UUID) -> list[tuple[object, ...]]:
    """The attempts that left an effect."""
    return stack.sql("SELECT attempt FROM probe_effects WHERE id = $1", one)


def test_a_killed_workers_job_runs_again_and_its_effect_happens_once(stack: Stack) -> None:
    with under_load(stack, seconds_of_work=0.05) as load:
        one = ask(stack, seconds=3)
        until(lambda: states(stack, one) == [("running", 1)], "the work has begun")
        stack.worker.kill()
        time.sleep(1)
        stack.worker.start()
        until(lambda: effects(stack, one) != [], "another worker did it")
    assert effects(stack, one) == [(2,)]
    load.check_answers()
    load.check_effects()


def test_a_paused_worker_that_wakes_after_its_lease_leaves_no_second_effect(stack: Stack) -> None:
    one = ask(stack, seconds=2)
    until(lambda: states(stack, one) == [("running", 1)], "the work has begun")
    other = stack.make_worker("other")
    stack.worker.send(signal.SIGSTOP)
    try:
        other.start()
        until(lambda: effects(stack, one) != [], "another worker did it")
        assert effects(stack, one) == [(2,)]
    finally:
        stack.worker.send(signal.SIGCONT)
        other.send(signal.SIGTERM)
        assert other.end(GRACE) == 0
    late = ("attempt came too late", "lease lost")
    until(lambda: any(line in stack.worker.log() for line in late), "the first worker is told", LEASE + 60)
    time.sleep(2)
    assert effects(stack, one) == [(2,)]


def test_the_worker_is_told_to_stop(stack: Stack) -> None:
    with under_load(stack, seconds_of_work=0.2) as load:
        started = time.monotonic()
        stack.worker.send(signal.SIGTERM)
        assert stack.worker.end(GRACE) == 0
        assert time.monotonic() - started < GRACE
        time.sleep(1)
        stack.worker.start()
    load.check_answers()
    load.check_effects()


def test_a_job_longer_than_the_wait_is_given_back(stack: Stack) -> None:
    one = ask(stack, seconds=COMPLETION_WAIT + 3)
    until(lambda: states(stack, one) == [("running", 1)], "the work has begun")
    stack.worker.send(signal.SIGTERM)
    assert stack.worker.end(GRACE) == 0
    assert states(stack, one) == [("queued", 1)]
    stack.worker.start()
    until(lambda: states(stack, one) == [("running", 2)], "another worker took it")
    until(lambda: effects(stack, one) == [(2,)], "another worker did it")


def test_the_api_is_told_to_stop(stack: Stack) -> None:
    with under_load(stack) as load:
        started = time.monotonic()
        stack.api.send(signal.SIGTERM)
        assert stack.api.end(GRACE) == 0
        assert time.monotonic() - started < GRACE
    stack.api.start()
    # No connection was cut: each ended with a response that announced it.
    load.check_answers()
    load.check_effects()
