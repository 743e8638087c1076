"""The cost of a worker while there is nothing to do."""

import time

import psutil
import pytest

from tests.faults.stack import Stack

pytestmark = pytest.mark.faults

SECONDS = 60
# Thousandths of a core. Polling both queues and the worker's metrics cost about 3, in each pod of the minimum number of
# replicas.
MOST_MCPU = 5


def test_an_idle_worker_costs_next_to_nothing(stack: Stack) -> None:
    assert stack.worker.child is not None
    worker = psutil.Process(stack.worker.child.pid)

    def used() -> float:
        times = worker.cpu_times()
        return times.user + times.system

    # The work of the start has finished by then.
    time.sleep(5)
    before = used()
    time.sleep(SECONDS)
    assert (used() - before) / SECONDS * 1000 <= MOST_MCPU
