"""Questions to a dependency that hangs."""

import asyncio

import pytest

from app.health import probes
from app.health.probes import Probes
from app.kit.problems import Unavailable


async def test_a_hanging_dependency_is_down_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE", 0.02)
    asked, healed = 0, asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        asked += 1
        await healed.wait()

    hanging = Probes()
    assert [await hanging.answers("database", ask) for _ in range(3)] == [False, False, False]
    assert asked == 1
    healed.set()
    assert await hanging.answers("database", ask)


async def test_dependencies_are_asked_apart() -> None:
    async def answer() -> None: ...

    async def refuse() -> None:
        raise Unavailable

    both = Probes()
    assert await both.answers("redis", answer)
    assert not await both.answers("database", refuse)
