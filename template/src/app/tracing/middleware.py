"""Spans of requests. Pure ASGI."""

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from starlette.types import ASGIApp, Receive, Scope, Send

from app.tracing.settings import TracingSettings


def make_provider(settings: TracingSettings) -> TracerProvider:
    """A provider that sends to the collector, or nowhere where none is set. It flushes when the process exits."""
    provider = TracerProvider(
        resource=Resource.create(
            {
                "service.name": settings.service,
                "service.version": settings.release,
                "deployment.environment.name": settings.environment.value,
            }
        ),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)),
    )
    if settings.otel_exporter_otlp_endpoint:
        endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/") + "/v1/traces"
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


class TraceIdMiddleware:
    """Binds the trace's id to the log lines of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            structlog.contextvars.bind_contextvars(trace_id=trace.format_trace_id(span.trace_id))
        await self._app(scope, receive, send)
