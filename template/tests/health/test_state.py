"""When a process begins to serve."""

import pytest

from app.composition import Resources
from app.health import state
from app.health.state import ServingState, await_database
from app.kit.problems import Unavailable


async def test_a_process_serves_once_the_database_answers_and_holds_every_migration(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Exception | set[str]] = [Unavailable(), {"0002"}, set()]
    serving, seen = ServingState(), []

    async def missing_revisions(_engine: object) -> set[str]:
        seen.append(serving.serving)
        answer = found.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(state, "missing_revisions", missing_revisions)
    monkeypatch.setattr(state, "_RETRY_SECONDS", 0)

    async def warm_up() -> None:
        seen.append(serving.serving)

    await await_database(resources.database, serving, warm_up)
    assert seen == [False, False, False, False]
    assert serving.serving
