"""How the worker ends."""

import asyncio

import pytest

from app.kit.resources import Resources
from app.settings import Settings
from app.worker import WorkerProcess, make_worker


async def test_a_worker_ends_though_a_call_swallows_the_first_cancellation(
    resources: Resources, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancellations = 0

    async def main() -> None:
        nonlocal cancellations
        while cancellations < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancellations += 1

    worker = make_worker(resources, ())
    monkeypatch.setattr(worker, "main", main)
    running = asyncio.create_task(worker.async_run())
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        await WorkerProcess(settings, (), "127.0.0.1")._finish(worker, running)
    assert cancellations == 2
    assert running.done()
