"""Traces: request, statements, calls to Redis and tasks in one, none for health, and the trace's id in the log."""

from contextlib import suppress

import httpx
import pytest
import structlog
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.composition import Resources, discover, open_resources
from app.settings import Settings
from app.tracing.feature import _tasks as task_spans
from app.tracing.middleware import make_provider
from app.tracing.settings import TracingSettings
from app.tracing.tasks import TaskSpans
from tests.conftest import RunQueue
from tests.identity import SignedIn
from tests.tasks.fixtures import Kinds, ask

UUID_OF_NOTHING = "018f0000-0000-7000-8000-000000000000"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(application: FastAPI) -> InMemorySpanExporter:
    """Where finished spans go."""
    exporter = InMemorySpanExporter()
    provider: TracerProvider = application.state.tracer_provider
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


async def test_a_request_continues_the_callers_trace(
    client: httpx.AsyncClient, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    await client.get("/v1/nothing", headers={"traceparent": PARENT})
    traces = {format(span.context.trace_id, "032x") for span in spans.get_finished_spans() if span.context}
    assert traces == {"0af7651916cd43dd8448eb211c80319c"}
    assert "0af7651916cd43dd8448eb211c80319c" in caplog.text


async def test_health_makes_no_spans(client: httpx.AsyncClient, spans: InMemorySpanExporter) -> None:
    await client.get("/health/live", headers={"traceparent": PARENT})
    assert spans.get_finished_spans() == ()


def test_a_provider_names_the_service() -> None:
    provider = make_provider(TracingSettings.model_validate({"service": "shop", "release": "1"}))
    assert provider.resource.attributes["service.name"] == "shop"
    assert provider.resource.attributes["service.version"] == "1"


def job_spans(provider: TracerProvider) -> tuple[TaskSpans, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans = TaskSpans()
    spans.tracer = provider.get_tracer("test")
    return spans, exporter


def test_a_task_continues_the_trace_of_its_request() -> None:
    provider = make_provider(TracingSettings.model_validate({"trace_sample_ratio": 1}))
    spans, exporter = job_spans(provider)
    with provider.get_tracer("test").start_as_current_span("request") as request:
        context = spans.inject()
    with structlog.contextvars.bound_contextvars(), spans.extract(context, "mail.send"):
        bound = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    _, task = exporter.get_finished_spans()
    assert task.name == "task mail.send"
    assert task.parent is not None
    assert task.parent.span_id == request.get_span_context().span_id
    assert bound["trace_id"] == format(request.get_span_context().trace_id, "032x")


def test_a_task_of_no_trace_begins_one() -> None:
    spans, exporter = job_spans(make_provider(TracingSettings.model_validate({"trace_sample_ratio": 1})))
    assert spans.inject() == {}
    with spans.extract({}, "mail.send"):
        pass
    structlog.contextvars.clear_contextvars()
    assert exporter.get_finished_spans()[0].parent is None


def test_without_a_tracer_a_task_makes_no_span() -> None:
    with TaskSpans().extract({}, "mail.send"):
        assert "trace_id" not in structlog.contextvars.get_contextvars()


async def test_a_request_its_statements_and_its_calls_to_redis_are_one_trace(
    ann: SignedIn, spans: InMemorySpanExporter
) -> None:
    answer = await ann.get("/v1/tasks", traceparent=PARENT)
    assert answer.status_code == 200
    finished = spans.get_finished_spans()
    assert {format(span.context.trace_id, "032x") for span in finished if span.context} == {PARENT.split("-")[1]}
    (server,) = [span for span in finished if span.kind is SpanKind.SERVER]
    assert server.context
    calls = [span for span in finished if span.kind is SpanKind.CLIENT]
    assert {span.parent.span_id for span in calls if span.parent} == {server.context.span_id}
    systems = {str((span.attributes or {})["db.system.name"]) for span in calls}
    assert systems == {"postgresql", "redis"}
    assert len(finished) == 1 + len(calls)


async def test_a_span_shows_no_value_of_a_user(
    client: httpx.AsyncClient, ann: SignedIn, spans: InMemorySpanExporter
) -> None:
    await ann.get(f"/v1/tasks?cursor={UUID_OF_NOTHING}", traceparent=PARENT)
    shown = [str(dict(span.attributes or {})) for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    assert any("SELECT" in one for one in shown)
    assert not [one for one in shown if ann.user_id in one or ann.token in one or UUID_OF_NOTHING in one]


async def test_an_attempt_in_the_worker_and_its_statements_continue_the_trace(
    application: FastAPI, resources: Resources, kinds: Kinds, run_queue: RunQueue, spans: InMemorySpanExporter
) -> None:
    provider: TracerProvider = application.state.tracer_provider
    parent = trace.set_span_in_context(trace.NonRecordingSpan(sampled()))
    with provider.get_tracer("test").start_as_current_span("request", parent):
        await ask(resources, "works")
    await run_queue()
    finished = spans.get_finished_spans()
    (task,) = [span for span in finished if span.name == "task works"]
    assert task.context
    of_the_trace = [span for span in finished if span.context and span.context.trace_id == task.context.trace_id]
    within = [span.name for span in of_the_trace if span.parent and span.parent.span_id == task.context.span_id]
    assert format(task.context.trace_id, "032x") == PARENT.split("-")[1]
    assert "UPDATE" in within
    assert "request" in {span.name for span in of_the_trace}


async def test_resources_that_end_in_an_error_leave_tasks_the_tracer_of_the_others(
    application: FastAPI, resources: Resources, settings: Settings
) -> None:
    before = task_spans.tracer
    with suppress(RuntimeError):
        async with open_resources(settings.model_copy(update={"database_pool_size": 1}), discover()):
            assert task_spans.tracer is not before
            raise RuntimeError
    assert task_spans.tracer is before


async def test_a_call_that_fails_says_so_and_nothing_more(
    application: FastAPI, resources: Resources, spans: InMemorySpanExporter
) -> None:
    provider: TracerProvider = application.state.tracer_provider
    parent = trace.set_span_in_context(trace.NonRecordingSpan(sampled()))
    with provider.get_tracer("test").start_as_current_span("request", parent):
        with pytest.raises(DBAPIError):
            await resources.database.read(text("SELECT CAST('secret' AS integer)"))
        with pytest.raises(RedisError):
            await resources.redis.execute_command("NOSUCHCOMMAND", "secret")  # type: ignore[no-untyped-call]  # redis-py
    failed = [span for span in spans.get_finished_spans() if not span.status.is_ok and span.status.description]
    assert {span.name for span in failed} >= {"SELECT", "NOSUCHCOMMAND"}
    assert all(
        "secret" not in str(span.status.description) and not span.events for span in failed if span.name != "request"
    )


async def test_a_trace_that_is_not_sampled_makes_no_span(ann: SignedIn, spans: InMemorySpanExporter) -> None:
    await ann.get("/v1/tasks", traceparent=PARENT.removesuffix("01") + "00")
    assert spans.get_finished_spans() == ()


def sampled() -> trace.SpanContext:
    """The caller's span, of a trace that is kept."""
    _, trace_id, span_id, _ = PARENT.split("-")
    return trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(trace.TraceFlags.SAMPLED))
