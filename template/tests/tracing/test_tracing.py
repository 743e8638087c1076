"""Traces: a span for a request, none for health, and the trace's id in the log."""

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.tracing.middleware import make_provider
from app.tracing.settings import TracingSettings

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
