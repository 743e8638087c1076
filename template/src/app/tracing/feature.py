"""Tracing as a feature of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider

from app.composition import Feature, Resources
from app.tracing.calls import trace_database, trace_redis
from app.tracing.middleware import TraceIdMiddleware, make_provider
from app.tracing.settings import TracingSettings
from app.tracing.tasks import TaskSpans

# The load balancer and the agent send these every few seconds: their spans would hide the others.
EXCLUDED = "/health,/metrics"

_tasks = TaskSpans()
# The provider of the latest application, whose resources open next: all spans of the process share one provider.
_installed: list[TracerProvider] = []


def install(application: FastAPI) -> None:
    """Have every request make a span, whose id its log lines carry."""
    provider = make_provider(TracingSettings.load())
    application.add_middleware(TraceIdMiddleware)
    application.add_middleware(
        OpenTelemetryMiddleware,
        tracer_provider=provider,
        excluded_urls=EXCLUDED,
        # A span for each message that is received or sent would double the number of spans.
        exclude_spans=["receive", "send"],
    )
    application.state.tracer_provider = provider
    _installed[:] = [provider]


@asynccontextmanager
async def lifespan(resources: Resources) -> AsyncIterator[None]:
    """Have tasks and calls make spans too, and send what is left when the process ends."""
    provider = _installed.pop() if _installed else make_provider(resources.section(TracingSettings))
    # A process may open resources a second time while the first ones are open, as tests do.
    before, tracer = _tasks.tracer, provider.get_tracer("app.tasks")
    _tasks.tracer = tracer
    calls = provider.get_tracer("app.calls")
    trace_database(resources.database.engine.sync_engine, calls)
    for redis in {id(client): client for client in (resources.redis, resources.cache.redis)}.values():
        trace_redis(redis, calls)
    try:
        yield
    finally:
        if _tasks.tracer is tracer:
            _tasks.tracer = before
        # In a thread, because the shutdown may wait for the collector.
        await asyncio.to_thread(provider.shutdown)


feature = Feature(name="tracing", settings=TracingSettings, install=install, lifespan=lifespan, task_context=_tasks)
