"""Tasks: written with the transaction that asks for them, done, refused, retried, given up."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import structlog
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import func, select

from app.composition import Resources, TaskRun
from app.kit.context import current_request_id, request_context
from app.kit.mail import Mail, MailError, MailRefused, Message
from app.kit.queue import Queue, TaskKind
from app.tasks.mail import request_mail
from app.tasks.models import SentMail, TaskStatus
from app.tasks.repository import TaskRepository
from app.tasks.runner import LONGEST_PAUSE, back_off, run_task
from app.tasks.service import request_task
from app.tasks.settings import TasksSettings
from tests.conftest import RunQueue
from tests.tasks.fixtures import Kinds, Word, age, ask, handler, kind, kinds_stored, stored


async def test_a_task_is_done_and_its_result_kept(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "works")
    await run_queue()
    task = await stored(resources, task_id)
    assert (task.status, task.result, task.attempts) == ("succeeded", {"echo": "tea", "language": "en"}, 1)
    assert task.finished_at is not None


async def test_what_a_success_was_made_of_is_forgotten(resources: Resources, kinds: Kinds) -> None:
    done, refused = await ask(resources, "works"), await ask(resources, "refuses")
    await run_task(resources, done)
    await run_task(resources, refused)
    assert (await stored(resources, done)).payload is None
    assert (await stored(resources, refused)).payload == {"word": "tea"}


async def test_a_rolled_back_unit_of_work_leaves_no_task(
    resources: Resources, kinds: Kinds, run_queue: RunQueue
) -> None:
    async def fail_after_asking() -> None:
        async with resources.database.unit_of_work() as work:
            request_task(work, resources.queue, kind("works"), Word())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await fail_after_asking()
    await run_queue()
    assert kinds.runs == []


async def test_a_finished_task_does_not_run_again(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "works")
    await run_queue()
    await run_task(resources, task_id)
    assert kinds.runs == [1]


async def test_two_workers_at_once_do_a_task_once(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    await asyncio.gather(*(run_task(resources, task_id) for _ in range(2)))
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    assert len(kinds.runs) == 1


async def test_a_failed_attempt_leaves_nothing_and_is_repeated_later(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "breaks")
    await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.QUEUED, 1)
    assert task.due_at > datetime.now(UTC)
    assert await kinds_stored(resources) == ["breaks"]


async def test_a_task_is_dead_after_its_last_attempt(resources: Resources, kinds: Kinds) -> None:
    attempts = resources.section(TasksSettings).task_attempts
    task_id = await ask(resources, "breaks")
    for _ in range(attempts + 1):
        await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, kinds.runs) == (TaskStatus.DEAD, list(range(1, attempts + 1)))
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-gave-up"
    assert str(attempts) in str(task.problem["detail"])


async def test_a_task_whose_worker_dies_twice_is_dead(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    lost = {"status": TaskStatus.RUNNING, "attempts": 1}
    await age(resources, task_id, **lost)
    async with resources.database.unit_of_work() as work:
        (due,) = await TaskRepository(work.session).stranded(timedelta(seconds=5), 10)
        assert (due.attempt, due.suspect) == (2, True)
        assert await TaskRepository(work.session).take(task_id, timedelta(seconds=30)) is not None
    await age(resources, task_id, status=TaskStatus.RUNNING)
    await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, task.losses, kinds.runs) == (TaskStatus.DEAD, 2, [])
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-lost"


async def test_a_task_that_was_lost_once_is_done(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    await age(resources, task_id, status=TaskStatus.RUNNING, attempts=1)
    await run_task(resources, task_id)
    assert ((await stored(resources, task_id)).status, kinds.runs) == (TaskStatus.SUCCEEDED, [2])


async def test_a_task_that_kills_its_workers_is_dead_in_the_end(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works")
    attempts = resources.section(TasksSettings).task_attempts
    await age(resources, task_id, status=TaskStatus.RUNNING, attempts=attempts)
    await run_task(resources, task_id)
    assert ((await stored(resources, task_id)).status, kinds.runs) == (TaskStatus.DEAD, [])


async def test_a_problem_fails_a_task_for_good(resources: Resources, kinds: Kinds, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "refuses")
    await run_queue()
    task = await stored(resources, task_id)
    assert task.status == TaskStatus.FAILED
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:refused"
    assert kinds.runs == [1]


@pytest.mark.parametrize(
    ("error", "state"), [(MailRefused("550 no such user"), TaskStatus.FAILED), (MailError("450"), TaskStatus.QUEUED)]
)
async def test_a_mail_that_is_refused_for_good_is_tried_once(
    resources: Resources, error: Exception, state: TaskStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        async def send(self, _mail: Mail) -> None:
            raise error

    monkeypatch.setattr(resources, "mailer", Refusing())
    async with resources.database.unit_of_work() as work:
        message = Message(subject="Hi", paragraphs=[])
        task_id = request_mail(work, resources.queue, to="ann@example.com", kind="x", message=message, language="en")
    await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (state, 1)


async def test_a_mail_that_cannot_be_written_is_tried_once(resources: Resources) -> None:
    async with resources.database.unit_of_work() as work:
        message = Message(subject="Hi", paragraphs=[])
        to = "ann@example.com, eve@example.com"
        task_id = request_mail(work, resources.queue, to=to, kind="x", message=message, language="en")
    await run_task(resources, task_id)
    assert (await stored(resources, task_id)).status == TaskStatus.FAILED


async def test_a_recipient_gets_three_mails_of_a_kind_an_hour(
    resources: Resources, run_queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    class Counting:
        async def send(self, mail: Mail) -> None:
            sent.append(mail.subject)

    monkeypatch.setattr(resources, "mailer", Counting())
    async with resources.database.unit_of_work() as work:
        for number in range(8):
            # An address in upper or lower case counts as the same address.
            to = "ann@example.com" if number % 2 else "Ann@Example.com"
            kind = "two" if number == 7 else "one"
            message = Message(subject=kind, paragraphs=[])
            request_mail(work, resources.queue, to=to, kind=kind, message=message, language="en")
    await run_queue()
    assert sorted(sent) == ["one", "one", "one", "two"]


async def test_a_mail_that_is_tried_again_counts_once(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    class Passing:
        async def send(self, _mail: Mail) -> None:
            raise MailError("450 busy")

    monkeypatch.setattr(resources, "mailer", Passing())
    async with resources.database.unit_of_work() as work:
        message = Message(subject="Hi", paragraphs=[])
        task_id = request_mail(work, resources.queue, to="a@example.com", kind="x", message=message, language="en")
    for _ in range(5):
        await run_task(resources, task_id)
    async with resources.database.unit_of_work() as work:
        assert (await work.session.execute(select(func.count()).select_from(SentMail))).scalar_one() == 1
    assert (await stored(resources, task_id)).attempts == 5


async def test_an_outage_is_no_refusal(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "misses a part")
    await run_task(resources, task_id)
    assert (await stored(resources, task_id)).status == TaskStatus.QUEUED


async def test_an_unknown_kind_fails(resources: Resources, run_queue: RunQueue) -> None:
    task_id = await ask(resources, "nobody-does-this")
    await run_queue()
    task = await stored(resources, task_id)
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-unknown"


async def test_a_task_that_is_late_is_not_begun(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "works", within=timedelta(seconds=-1))
    await run_task(resources, task_id)
    task = await stored(resources, task_id)
    assert (task.status, kinds.runs) == (TaskStatus.DEAD, [])
    assert task.problem is not None
    assert task.problem["type"] == "urn:problem:task-expired"


async def test_an_attempt_ends_at_the_deadline(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits", within=timedelta(seconds=0.3))
    async with asyncio.timeout(10):
        await run_task(resources, task_id)
    assert (await stored(resources, task_id)).status == TaskStatus.QUEUED
    await run_task(resources, task_id)
    assert ((await stored(resources, task_id)).status, kinds.runs) == (TaskStatus.DEAD, [1])


async def test_an_attempt_that_a_shutdown_cuts_off_is_repeated_at_once(resources: Resources, kinds: Kinds) -> None:
    task_id = await ask(resources, "waits")
    attempt = asyncio.create_task(run_task(resources, task_id))
    await kinds.blocked.wait()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    task = await stored(resources, task_id)
    assert (task.status, task.attempts) == (TaskStatus.QUEUED, 1)
    assert task.due_at <= datetime.now(UTC)


def test_pauses_grow_and_vary() -> None:
    pauses = [[back_off(attempt).total_seconds() for _ in range(50)] for attempt in (1, 2, 3)]
    for attempt, found in enumerate(pauses, start=1):
        assert 2**attempt * 0.5 <= min(found) < max(found) <= 2**attempt * 1.5
    assert back_off(50).total_seconds() <= LONGEST_PAUSE * 1.5


class Baggage:
    """Hands a word from the request to the task."""

    def __init__(self) -> None:
        self.extracted: list[tuple[Mapping[str, str], str]] = []

    def inject(self) -> Mapping[str, str]:
        return {"word": "from the request"}

    @contextmanager
    def extract(self, context: Mapping[str, str], kind: str) -> Iterator[None]:
        self.extracted.append((context, kind))
        yield


async def test_a_job_knows_the_request_the_user_and_what_features_carry(resources: Resources, kinds: Kinds) -> None:
    baggage, owner, seen = Baggage(), uuid4(), {}

    async def looks(run: TaskRun, _payload: Word) -> None:
        seen.update(structlog.contextvars.get_contextvars())
        assert (current_request_id(), run.language, run.owner_id) == ("request-1", "th", owner)

    among = replace(resources, task_contexts=[baggage], task_handlers={"looks": handler("looks", looks)})
    queue = Queue(resources.redis, [baggage])
    with request_context("request-1", "th"):
        async with resources.database.unit_of_work() as work:
            task_id: UUID = request_task(work, queue, kind("looks"), Word(), owner_id=owner)
    await run_task(among, task_id)
    assert (await stored(resources, task_id)).status == TaskStatus.SUCCEEDED
    expected = {"request_id": "request-1", "task_id": str(task_id), "kind": "looks", "user_id": str(owner)}
    assert expected.items() <= seen.items()
    assert baggage.extracted == [({"word": "from the request"}, "looks")]


class Bounded(BaseModel):
    """A payload with a rule."""

    size: int = Field(ge=1)


async def test_a_payload_that_no_worker_could_read_is_refused_when_the_task_is_requested(resources: Resources) -> None:
    with pytest.raises(ValidationError):
        async with resources.database.unit_of_work() as work:
            request_task(work, resources.queue, TaskKind("bounded", Bounded), Bounded.model_construct(size=0))
    assert await kinds_stored(resources) == []
