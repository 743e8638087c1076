"""Spans of calls to PostgreSQL and Redis, within the span of the request or task that makes them.

Outside a sampled trace a call makes no span, and only reads the current span.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from redis.asyncio import Redis
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.event import listen

_SPANS = "tracing.spans"


def trace_database(engine: Engine, tracer: Tracer) -> None:
    """Make a span for every statement of an engine. It holds the statement's text, whose values are parameters."""

    def begin(connection: Connection, _cursor: object, statement: str, *_others: object) -> None:
        if trace.get_current_span().is_recording():
            attributes = {"db.system.name": "postgresql", "db.query.text": statement}
            span = tracer.start_span(_verb(statement), kind=SpanKind.CLIENT, attributes=attributes)
            connection.info.setdefault(_SPANS, []).append(span)

    def end(connection: Connection, *_others: object) -> None:
        if spans := connection.info.get(_SPANS):
            spans.pop().end()

    def fail(context: ExceptionContext) -> None:
        # Record only the type of the error: the driver's message may contain values. A failure to connect has no
        # connection.
        if context.connection is not None and (spans := context.connection.info.get(_SPANS)):
            _end_failed(spans.pop(), type(context.original_exception).__name__)

    listen(engine, "before_cursor_execute", begin)
    listen(engine, "after_cursor_execute", end)
    listen(engine, "handle_error", fail)


def trace_redis(redis: Redis, tracer: Tracer) -> None:
    """Make a span for every command of a client, by its name alone: keys and values may be private."""
    execute: Callable[..., Awaitable[Any]] = redis.execute_command

    async def traced(*arguments: Any, **options: Any) -> Any:
        if not trace.get_current_span().is_recording():
            return await execute(*arguments, **options)
        name = str(arguments[0])
        attributes = {"db.system.name": "redis", "db.operation.name": name}
        with tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                return await execute(*arguments, **options)
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    redis.execute_command = traced  # type: ignore[method-assign]  # this client alone, whatever its class


def _verb(statement: str) -> str:
    return statement.split(maxsplit=1)[0].upper() if statement.strip() else "SQL"


def _end_failed(span: Span, reason: str) -> None:
    span.set_status(Status(StatusCode.ERROR, reason))
    span.end()
