"""Tracing as a feature of the service."""

from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from app.kit.features import Feature
from app.tracing.middleware import TraceIdMiddleware, make_provider
from app.tracing.settings import TracingSettings

# The load balancer and the agent ask every few seconds: their spans would bury the others.
EXCLUDED = "/health,/metrics"


def install(application: FastAPI) -> None:
    """Have every request make a span, whose id its log lines carry."""
    provider = make_provider(TracingSettings.load())
    application.add_middleware(TraceIdMiddleware)
    application.add_middleware(OpenTelemetryMiddleware, tracer_provider=provider, excluded_urls=EXCLUDED)
    application.state.tracer_provider = provider


feature = Feature(name="tracing", settings=TracingSettings, install=install)
