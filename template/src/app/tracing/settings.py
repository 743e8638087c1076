"""Settings of tracing. The names are OpenTelemetry's own."""

from pydantic import Field

from app.kit.configuration import Section


class TracingSettings(Section):
    """The collector of spans, and the share of requests that is traced."""

    service: str = Field(default="app", description="the service's name, a DNS label")
    release: str = Field(default="unreleased", description="version or commit of the running image")
    otel_exporter_otlp_endpoint: str = Field(
        default="", pattern="^(https?://[^ ]+)?$", description="an OTLP/HTTP collector such as http://127.0.0.1:4318"
    )
    trace_sample_ratio: float = Field(default=0.1, ge=0, le=1, description="share of traces that are kept, 0 to 1")
