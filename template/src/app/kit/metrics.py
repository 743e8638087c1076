"""The answer to a scrape. Each module defines its own metrics.

Their names are a contract with the agent, the alarms and the dashboard. The CloudWatch agent drops histograms: whatever
an alarm reads is a counter or a gauge.
"""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response


def metrics_response() -> Response:
    """The answer to a scrape. The load balancer does not route to it."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
