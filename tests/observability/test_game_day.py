"""The game day, asserted: `game_day.py` says what is real and what is simulated. Minutes, so marked slow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Renderer
from tests.infrastructure.variants import VARIANTS
from tests.observability.agent import Agent
from tests.observability.game_day import CASE, PAGE, PLANTED, Day, Finding, finding, install, page, planned, record

pytestmark = pytest.mark.slow

# For each fault: the alarm that sends the message, the maximum minutes until its own alarm fires (its periods plus one), and words of the
# cause that the runbook's query must show.
EXPECTED: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "errors": ("users", 6, ("route=/api/v1/products ", "status=500")),
    "slow-requests": ("users", 6, ("route=/api/v1/products ", "p95=")),
    "dead-tasks": ("tasks", 6, ("task is dead", "451")),
    "login-failures": ("login-failures", 6, ("address=203.0.113.", "reason=password")),
    "database-unreachable": ("database-unreachable", 4, ("database connection failed", "error=")),
    "redis-unreachable": ("redis-unreachable", 4, ("redis does not answer", "use=state")),
    # Its threshold is five minutes of waiting, for five minutes. The worker measures its backlog every 15 s, which pass five times slower.
    "oldest-task": ("tasks", 14, ("task attempt failed", "kind=accounts.welcome", "Timed out")),
}


@pytest.fixture(scope="module")
def day(render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A day with a project that was rendered and installed for it."""
    folder = tmp_path_factory.mktemp("day")
    project = render.workspace(folder / "project", VARIANTS[CASE.variant])
    install(project)
    record(project, folder / "recording.json")
    with planned(project) as plan:
        agent = Agent.of(CASE.variant, CASE.environment, project / "deploy/components/metrics/agent.yaml")
        yield Day(json.loads((folder / "recording.json").read_text(encoding="utf-8")), agent, plan, project)


@pytest.fixture(params=EXPECTED)
def found(day: Day, request: pytest.FixtureRequest) -> Finding:
    """The effects of a fault."""
    return finding(day, request.param)


def test_the_right_alarm_fires_in_time_and_recovers(found: Finding) -> None:
    _, most, _ = EXPECTED[found.fault]
    assert found.fired_after is not None
    assert 1 <= found.fired_after <= most
    assert found.recovered_after is not None


def test_the_weaker_fault_does_not_fire_it(found: Finding) -> None:
    assert not found.below


def test_a_person_gets_one_message_of_it_and_no_alarm_is_left_firing(found: Finding) -> None:
    sender, _, _ = EXPECTED[found.fault]
    assert [name for name, _ in found.messages].count(sender) == 1
    assert found.left == ()


def test_a_lost_database_wakes_people_by_one_message(day: Day) -> None:
    assert [name for name, _ in finding(day, "database-unreachable").messages] == ["database-unreachable"]


def test_the_runbooks_query_shows_the_cause(found: Finding) -> None:
    _, _, words = EXPECTED[found.fault]
    assert found.runbook.is_file()
    assert [word for word in words if word not in found.answer] == [], found.answer


def test_the_tasks_of_a_pod_show_the_dead_one(day: Day) -> None:
    ((command, output),) = day.recording["commands"]["dead-tasks"]
    assert f"-- {command}" in "\n".join(day.look(day.runbook("dead-tasks")))
    assert "dead" in output
    assert "accounts.welcome" in output


def test_a_newborn_service_fires_nothing(day: Day) -> None:
    first = min(marks["calm"] for marks in day.recording["marks"].values())
    assert [name for name in day.states if day.fired(name, 0, first)] == []


def test_the_page_tells_of_every_fault(day: Day) -> None:
    """`python -m tests.observability.game_day` writes it again; its minutes vary a little from day to day."""
    written = Path(PAGE).read_text(encoding="utf-8")
    drawn = page(day, [finding(day, fault) for fault in EXPECTED])
    assert [text for text in PLANTED.values() if text not in written or text not in drawn] == []
    assert [line for line in drawn.splitlines() if line.startswith("#") and line not in written] == []
