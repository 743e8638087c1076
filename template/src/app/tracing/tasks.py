"""Spans of tasks: an attempt in the worker continues the trace of the request that asked for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from opentelemetry import trace
from opentelemetry.trace import NoOpTracer, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


class TaskSpans:
    """Carries the W3C `traceparent` of a request to its tasks. `tracer` is set when the process starts."""

    def __init__(self) -> None:
        self.tracer: Tracer = NoOpTracer()

    def inject(self) -> Mapping[str, str]:
        """Return the headers that identify the current span; none outside a trace."""
        headers: dict[str, str] = {}
        _propagator.inject(headers)
        return headers

    @contextmanager
    def extract(self, context: Mapping[str, str], kind: str) -> Iterator[None]:
        """A span around one attempt, whose trace's id its log lines carry."""
        parent = _propagator.extract(dict(context))
        with self.tracer.start_as_current_span(f"task {kind}", parent, SpanKind.CONSUMER) as span:
            span_context = span.get_span_context()
            if span_context.is_valid:
                structlog.contextvars.bind_contextvars(trace_id=trace.format_trace_id(span_context.trace_id))
            yield
