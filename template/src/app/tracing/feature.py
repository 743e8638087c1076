"""Tracing as a feature of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from app.composition import Feature, Resources
from app.tracing.middleware import TraceIdMiddleware, make_provider
from app.tracing.settings import TracingSettings
from app.tracing.tasks import TaskSpans

# The load balancer and the agent ask every few seconds: their spans would bury the others.
EXCLUDED = "/health,/metrics"


_tasks = TaskSpans()


def install(application: FastAPI) -> None:
    """Have every request make a span, whose id its log lines carry."""
    provider = make_provider(TracingSettings.load())
    application.add_middleware(TraceIdMiddleware)
    application.add_middleware(OpenTelemetryMiddleware, tracer_provider=provider, excluded_urls=EXCLUDED)
    application.state.tracer_provider = provider


@asynccontextmanager
async def lifespan(resources: Resources) -> AsyncIterator[None]:
    """Have the worker make spans too, and send what is left when the process ends."""
    provider = make_provider(resources.section(TracingSettings))
    _tasks.tracer = provider.get_tracer("app.tasks")
    yield
    # Off the event loop: it may wait for the collector.
    await asyncio.to_thread(provider.shutdown)


feature = Feature(name="tracing", settings=TracingSettings, install=install, lifespan=lifespan, task_context=_tasks)
