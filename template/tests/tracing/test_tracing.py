"""Traces: a span for a request, none for health, and the trace's id in the log."""

import httpx
import pytest
import structlog
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.tracing.middleware import make_provider
from app.tracing.settings import TracingSettings
from app.tracing.tasks import TaskSpans

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
