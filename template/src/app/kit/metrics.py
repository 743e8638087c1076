"""The response to a scrape. Each module defines its own metrics.

Their names are a contract with the agent, the alarms and the dashboards: docs/reference/metrics.md lists them. The
CloudWatch agent drops histograms: whatever an alarm reads is a counter or a gauge. It takes the first value of a
counter as its zero, so a series with labels is made when the process starts, and not when it first counts.
"""

import platform

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.responses import Response

BUILD_INFO = Gauge("build_info", "1, labelled with the release that runs", ["service", "release", "python"])


def set_build_info(service: str, release: str) -> None:
    """Report the release that this process runs."""
    BUILD_INFO.clear()
    BUILD_INFO.labels(service, release, platform.python_version()).set(1)


def metrics_response() -> Response:
    """Return the response to a scrape. The load balancer does not route to it."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
