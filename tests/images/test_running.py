"""The images at work: read-only, without capabilities, as an unknown user, beside a real PostgreSQL and Valkey."""

import time
from collections.abc import Iterator

import pytest

from tests.images.service import Service, Stack, running_stack
from tests.images.world import VARIANTS, World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=VARIANTS)
def stack(world: World, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Databases with the migrations applied, and an API and a worker whose health checks in the images turned healthy."""
    with running_stack(world, request.param) as running:
        yield running


def test_migrations_ended_well_and_can_run_again(stack: Stack) -> None:
    assert "the database is up to date" in stack.run_once("migrate").stdout


def test_the_api_answers(stack: Stack) -> None:
    answer = Service(stack.world.engine, stack.url).call("GET", "/health/")
    assert answer.status == 200
    assert answer.document["status"]


def test_a_task_given_over_http_is_run_by_the_worker(stack: Stack) -> None:
    stack.run_once("api", "app", "users", "create", "admin@example.com", "--admin", variables={"USER_PASSWORD": "a long pass phrase"})
    service = Service(stack.world.engine, stack.url)
    service.log_in("admin@example.com", "a long pass phrase")
    task = service.import_products("name,price_minor,currency\nTea,1250,USD\nRice,400,USD\n")
    assert service.await_task(task)["status"] == "succeeded"
    assert {product["name"] for product in service.call("GET", "/v1/products").document["items"]} == {"Tea", "Rice"}


def test_the_containers_have_no_rights_and_wrote_nothing(stack: Stack) -> None:
    for name in ("api", "worker"):
        status = stack.execute(name, "cat", "/proc/1/status")
        values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert values["Uid"].split() == ["10001"] * 4
        assert values["CapEff"] == values["CapBnd"] == "0" * 16
        assert values["NoNewPrivs"] == "1"
        assert stack.world.engine.docker("diff", stack.name(name)) == ""


# Runs last, because it ends the stack. A worker may need its 90 s while it sends mail to a host that does not exist.
@pytest.mark.parametrize(("name", "seconds"), [("api", 10), ("worker", 100)])
def test_sigterm_ends_it_in_order(stack: Stack, name: str, seconds: float, note: list[str]) -> None:
    started = time.monotonic()
    stack.world.engine.docker("stop", "--time=110", stack.name(name))
    took = time.monotonic() - started
    note.append(f"stop  {stack.variant:<10} {name:<8} {took:6.1f} s")
    assert stack.state(name)["ExitCode"] == 0, stack.logs(name)
    assert not stack.state(name)["OOMKilled"]
    assert took < seconds
