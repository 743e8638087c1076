"""Metrics of the load balancer for each of the two target groups."""

# boto3 has no type hints, so its responses are checked where they are read.
# mypy: disable-error-code="import-untyped"

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.canary.verdict import Reading
from ops.errors import OpsError

# The load balancer publishes once a minute. CloudWatch aligns longer periods to its own boundaries.
MINUTE = timedelta(minutes=1)
_REQUESTS, _ERRORS, _REFUSED, _TIME = (
    "RequestCount",
    "HTTPCode_Target_5XX_Count",
    "TargetConnectionErrorCount",
    "TargetResponseTime",
)
_STATISTICS = {_REQUESTS: "Sum", _ERRORS: "Sum", _REFUSED: "Sum", _TIME: "p95"}


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group behind a load balancer, by their ARNs."""

    balancer: str
    arn: str

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """Return CloudWatch's dimensions: the last part of each ARN."""
        return [
            {"Name": "LoadBalancer", "Value": self.balancer.partition(":loadbalancer/")[2]},
            {"Name": "TargetGroup", "Value": self.arn.rpartition(":")[2]},
        ]


class Metrics:
    """CloudWatch, in one region."""

    def __init__(self, region: str) -> None:
        self._cloudwatch: Any = boto3.client("cloudwatch", region_name=region)

    def read(self, group: TargetGroup, start: datetime, end: datetime) -> Reading:
        """Return a group's figures for the full minutes between two times. Raises OpsError."""
        # From the first minute that began after `start`: earlier requests belong to another share.
        first = start.replace(second=0, microsecond=0) + (MINUTE if start.second or start.microsecond else timedelta())
        last = end.replace(second=0, microsecond=0)
        if last <= first:
            return Reading(0, 0, None)
        values = self._values(group, first, last)
        return Reading(
            requests=round(values.get(_REQUESTS, 0)),
            errors=round(values.get(_ERRORS, 0) + values.get(_REFUSED, 0)),
            p95=values.get(_TIME),
        )

    def _values(self, group: TargetGroup, first: datetime, last: datetime) -> dict[str, float]:
        """Return one value per metric over the whole period, without metrics that have no data."""
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/ApplicationELB",
                        "MetricName": name,
                        "Dimensions": group.dimensions,
                    },
                    "Period": int(MINUTE.total_seconds()),
                    "Stat": statistic,
                },
            }
            for number, (name, statistic) in enumerate(_STATISTICS.items())
        ]
        try:
            found = self._cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=first, EndTime=last)
        except (BotoCoreError, ClientError) as error:
            raise OpsError(f"cannot read the load balancer's metrics: {error}") from None
        return dict(_named(found["MetricDataResults"]))


def _named(results: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    names = list(_STATISTICS)
    for result in results:
        # Counts are sums; p95 is the median of the minutes, so that one minute with few requests has no effect.
        if values := [float(value) for value in result["Values"]]:
            name = names[int(result["Id"][1:])]
            yield name, median(values) if name == _TIME else sum(values)
