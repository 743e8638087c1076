"""Metrics of tasks and mails: each moves by what it counts."""

import pytest
from prometheus_client import REGISTRY

from app.composition import Resources
from app.kit.mail import Mail, MailError, MailRefused, Message
from app.tasks.mail import request_mail
from app.tasks.metrics import UNKNOWN
from app.tasks.runner import run_task
from app.tasks.settings import TasksSettings
from tests.conftest import RunQueue
from tests.metrics import moved, value
from tests.tasks.fixtures import Kinds, age, ask

STEPS = [f"tasks_{step}_total" for step in ("queued", "started", "succeeded", "retried", "failed", "dead")]


async def test_a_task_counts_at_each_step(resources: Resources, kinds: Kinds) -> None:
    with moved(*STEPS, "tasks_run_seconds_total", "task_seconds_count") as seen:
        for name in ("works", "misses a part", "refuses"):
            await run_task(resources, await ask(resources, name))
    assert [seen[step] for step in STEPS] == [3, 3, 1, 1, 1, 0]
    assert seen["task_seconds_count"] == 3
    assert seen["tasks_run_seconds_total"] > 0


async def test_a_late_start_counts_with_its_wait(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    await age(resources, task_id)
    with moved("tasks_wait_seconds_total") as seen:
        await run_task(resources, task_id)
    assert 299 < seen["tasks_wait_seconds_total"] < 360


async def test_a_dead_task_counts_as_failed_and_dead(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "misses a part")
    with moved(*STEPS) as seen:
        for _ in range(resources.section(TasksSettings).task_attempts):
            await run_task(resources, task_id)
    assert (seen["tasks_failed_total"], seen["tasks_dead_total"]) == (1, 1)


async def test_a_kind_of_another_release_makes_no_series_of_its_own(resources: Resources, run_queue: RunQueue) -> None:
    before = value("tasks_failed_total", kind=UNKNOWN)
    await ask(resources, "of another release")
    await run_queue()
    assert value("tasks_failed_total", kind=UNKNOWN) == before + 1
    assert REGISTRY.get_sample_value("tasks_failed_total", {"kind": "of another release"}) is None


@pytest.mark.parametrize(
    ("error", "moves"), [(None, (1, 0)), (MailError("450 busy"), (0, 1)), (MailRefused("550 no such user"), (0, 1))]
)
async def test_an_email_message_counts_as_sent_or_failed(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, error: Exception | None, moves: tuple[int, int]
) -> None:
    class Server:
        async def send(self, _mail: Mail) -> None:
            if error:
                raise error

    monkeypatch.setattr(resources, "mailer", Server())
    async with resources.database.unit_of_work() as work:
        message = Message(subject="Hi", paragraphs=[])
        task_id = request_mail(work, resources.queue, to="ann@example.com", kind="x", message=message, language="en")
    with moved("mails_sent_total", "mails_failed_total") as seen:
        await run_task(resources, task_id)
    assert (seen["mails_sent_total"], seen["mails_failed_total"]) == moves
